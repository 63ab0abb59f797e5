{{/* What changes the number of replicas of a workload; call with the workload's scope. */}}
{{- define "limner.autoscaler" -}}
{{- $scaling := .values.autoscaling -}}
{{- if or (eq .workload.kind "worker") .root.Values.keda.enabled -}}
{{ include "limner.scaledObject" . }}
{{- else -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .fullname }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .fullname }}}
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $scaling.cpuPercent }}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}
{{- end -}}
{{- end -}}

{{- define "limner.scaledObject" -}}
{{- $keda := .root.Values.keda -}}
{{- $scaling := .values.autoscaling -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ .fullname }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ .fullname }}}
  minReplicaCount: {{ $scaling.minReplicas }}
  maxReplicaCount: {{ $scaling.maxReplicas }}
  pollingInterval: {{ $keda.pollingSeconds }}
  cooldownPeriod: {{ $keda.cooldownSeconds }}
  triggers:
    {{- if eq .workload.kind "worker" }}
    # What runs counts too: or the workers that run it would be taken away.
    - type: postgresql
      metadata:
        query: >-
          SELECT count(*) FROM {{ .workload.service }}.work_items
          WHERE state = 'running' OR (state = 'queued' AND run_at <= now())
        targetQueryValue: {{ $scaling.itemsPerReplica | quote }}
      authenticationRef: {name: {{ include "limner.fullname" .root }}-keda-database}
    {{- else }}
    - type: cpu
      metricType: Utilization
      metadata:
        value: {{ $scaling.cpuPercent | quote }}
    {{- with include "limner.kafkaServers" .root }}
    {{- $consumers := $.root.Files.Get "files/consumers.yaml" | fromYaml }}
    {{- range $group, $topics := index $consumers $.workload.service }}
    {{- range $topic := $topics }}
    - type: kafka
      metadata:
        bootstrapServers: {{ include "limner.kafkaServers" $.root | quote }}
        consumerGroup: {{ include "limner.kafkaPrefix" $.root }}{{ $group }}
        topic: {{ include "limner.kafkaPrefix" $.root }}{{ $topic }}
        lagThreshold: {{ $keda.lagPerReplica | quote }}
        offsetResetPolicy: earliest
        {{- if has $.root.Values.kafka.securityProtocol (list "SSL" "SASL_SSL") }}
        tls: enable
        {{- end }}
        {{- if hasPrefix "SASL" $.root.Values.kafka.securityProtocol }}
        sasl: {{ index (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512") $.root.Values.kafka.saslMechanism }}
        {{- end }}
      {{- if ne $.root.Values.kafka.securityProtocol "PLAINTEXT" }}
      authenticationRef: {name: {{ include "limner.fullname" $.root }}-keda-kafka}
      {{- end }}
    {{- end }}
    {{- end }}
    {{- end }}
    {{- end }}
{{- end -}}
