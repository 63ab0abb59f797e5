{{/*
An engine for trials: StatefulSet, Service, policy. Call with root, component, values, uid, port, command, args, env, mounts (paths
beside the data that it writes to), data (the path of its data or ""), and probe.
*/}}
{{- define "limner.engine" -}}
{{- $full := printf "%s-%s" (include "limner.fullname" .root) .component }}
{{- $persistence := dig "persistence" (dict "enabled" false) .values }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $full }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  serviceName: {{ $full }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "limner.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "limner.labels" . | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .uid }}
        runAsGroup: {{ .uid }}
        fsGroup: {{ .uid }}
        seccompProfile:
          type: RuntimeDefault
      {{- include "limner.pullSecrets" .root | nindent 6 }}
      terminationGracePeriodSeconds: 60
      containers:
        - name: {{ .component }}
          image: {{ include "limner.engineImage" (dict "root" .root "image" .values.image) }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          {{- with .command }}
          command:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .args }}
          args:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          env:
            {{- toYaml .env | nindent 12 }}
          ports:
            - {name: engine, containerPort: {{ .port }}}
          startupProbe:
            {{- toYaml .probe | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 10
            failureThreshold: 36
          readinessProbe:
            {{- toYaml .probe | nindent 12 }}
            periodSeconds: 10
            timeoutSeconds: 10
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          securityContext:
            {{- include "limner.containerSecurity" . | nindent 12 }}
          volumeMounts:
            {{- range $index, $path := .mounts }}
            - {name: scratch, mountPath: {{ $path }}, subPath: {{ printf "s%d" $index }}}
            {{- end }}
            {{- with .data }}
            - {name: data, mountPath: {{ . }}}
            {{- end }}
      volumes:
        - name: scratch
          emptyDir:
            sizeLimit: 1Gi
        {{- if and .data (not $persistence.enabled) }}
        - name: data
          emptyDir:
            sizeLimit: {{ .values.sizeGi }}Gi
        {{- end }}
  {{- if and .data $persistence.enabled }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .values.sizeGi }}Gi
  {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $full }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "limner.selector" . | nindent 4 }}
  {{- if .unready }}
  # A broker finds itself by this name before it is ready.
  publishNotReadyAddresses: true
  {{- end }}
  ports:
    - {name: engine, port: {{ .port }}, targetPort: engine}
{{- if .root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $full }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "limner.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - {port: engine, protocol: TCP}
      from:
        {{- range (include "limner.workloads" .root | fromJson).items }}
        {{- include "limner.peer" (dict "root" $.root "component" .component) | nindent 8 }}
        {{- end }}
        {{- include "limner.peer" (dict "root" .root "component" "doctor") | nindent 8 }}
        {{- with .root.Values.networkPolicy.kedaFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}
{{- end -}}
