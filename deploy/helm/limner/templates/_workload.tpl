{{/* Everything of one workload; call with root and the workload. */}}
{{- define "limner.workload" -}}
{{- $scope := dict "root" .root "component" .workload.component "workload" .workload "values" .workload.values -}}
{{- $scope = set $scope "fullname" (printf "%s-%s" (include "limner.fullname" .root) .workload.component) }}
{{ include "limner.deployment" $scope }}
---
{{ include "limner.service" $scope }}
{{- if eq .workload.kind "service" }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $scope.fullname }}
  labels:
    {{- include "limner.labels" $scope | nindent 4 }}
automountServiceAccountToken: false
{{- end }}
{{- if kindIs "float64" .workload.values.maxUnavailable }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $scope.fullname }}
  labels:
    {{- include "limner.labels" $scope | nindent 4 }}
spec:
  maxUnavailable: {{ .workload.values.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "limner.selector" $scope | nindent 6 }}
{{- end }}
{{- if dig "autoscaling" "enabled" false .workload.values }}
---
{{ include "limner.autoscaler" $scope }}
{{- end }}
{{- if .root.Values.networkPolicy.enabled }}
---
{{ include "limner.workloadPolicy" $scope }}
{{- end }}
{{- end -}}

{{- define "limner.deployment" -}}
{{- $values := .root.Values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .fullname }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false .values) }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels:
      {{- include "limner.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "limner.labels" . | nindent 8 }}
      {{- with merge (dict) .values.podAnnotations $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "limner.fullname" .root }}-{{ .workload.service }}
      {{- include "limner.podSecurity" .root | nindent 6 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      {{- include "limner.placement" . | nindent 6 }}
      {{- if eq (include "limner.migrationMode" .root) "init" }}
      initContainers:
        - name: migrate
          image: {{ include "limner.image" (dict "root" .root "image" .workload.service) }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args: [migrate, {{ .workload.service }}]
          env:
            {{- include "limner.engineEnvironment" .root | trim | nindent 12 }}
            {{- if eq .workload.service "api" }}
            {{- include "limner.adminEnvironment" .root | trim | nindent 12 }}
            {{- end }}
          securityContext:
            {{- include "limner.containerSecurity" . | nindent 12 }}
          volumeMounts:
            {{- include "limner.mounts" .root | nindent 12 }}
      {{- end }}
      containers:
        - {{- include "limner.container" . | nindent 10 }}
      volumes:
        {{- include "limner.volumes" (dict "root" .root "scratchGi" .values.scratchGi) | nindent 8 }}
        {{- if include "limner.hasCacheFolder" . }}
        - name: cache
          emptyDir:
            sizeLimit: {{ .values.cacheGi }}Gi
        {{- end }}
{{- end -}}

{{- define "limner.container" -}}
name: {{ .workload.kind }}
image: {{ include "limner.image" (dict "root" .root "image" .workload.service) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- if eq .workload.kind "service" }}
args: [serve, {{ .workload.service }}, --port, "8000", --health-port, "8001"]
{{- else }}
args: [{{ ternary "work" "relay" (eq .workload.kind "worker") }}, {{ .workload.service }}, --health-port, "8001"]
{{- end }}
env:
  {{- include "limner.environment" . | trim | nindent 2 }}
ports:
  {{- if eq .workload.kind "service" }}
  - {name: http, containerPort: 8000}
  {{- end }}
  - {name: health, containerPort: 8001}
startupProbe:
  httpGet: {path: /health/live, port: health}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
{{/* Both answer at once, but for the turn of a process whose processor is taken by others: busy is not dead. */ -}}
livenessProbe:
  httpGet: {path: /health/live, port: health}
  periodSeconds: 10
  timeoutSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /health/ready, port: health}
  periodSeconds: 5
  timeoutSeconds: 10
  failureThreshold: 3
resources:
  {{- toYaml .values.resources | nindent 2 }}
securityContext:
  {{- include "limner.containerSecurity" . | nindent 2 }}
volumeMounts:
  {{- include "limner.mounts" .root | nindent 2 }}
  {{- if include "limner.hasCacheFolder" . }}
  - {name: cache, mountPath: /var/cache/limner}
  {{- end }}
{{- end -}}

{{- define "limner.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .fullname }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  {{- if ne .workload.kind "service" }}
  {{/* Nobody calls workers and relays; Prometheus finds them by it. */ -}}
  clusterIP: None
  {{- end }}
  selector:
    {{- include "limner.selector" . | nindent 4 }}
  ports:
    {{- if eq .workload.kind "service" }}
    - {name: http, port: 8000, targetPort: http, appProtocol: http}
    {{- end }}
    - {name: health, port: 8001, targetPort: health}
{{- end -}}
