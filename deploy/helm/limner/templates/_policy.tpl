{{/* NetworkPolicies: what is listed is allowed, everything else is denied (network.yaml). */}}

{{/* Pods of a workload of this release, for policies. */}}
{{- define "limner.peer" -}}
- podSelector:
    matchLabels:
      {{- include "limner.selector" . | nindent 6 }}
{{- end -}}

{{/* Egress to one engine; call with root, engine (the key of networkPolicy), bundled (its component or "") and ports. */}}
{{- define "limner.engineEgress" -}}
- ports:
    {{- range .ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- if .bundled }}
  to:
    {{- include "limner.peer" (dict "root" .root "component" .bundled) | nindent 4 }}
  {{- else }}
  {{- with (index .root.Values.networkPolicy .engine).to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Egress to the database and the bus; what a migration needs. */}}
{{- define "limner.migrationEgress" -}}
{{- $v := .Values -}}
{{- $policy := $v.networkPolicy -}}
{{ include "limner.engineEgress" (dict "root" . "engine" "database" "bundled" (ternary "postgresql" "" $v.bundled.postgresql.enabled) "ports" (ternary (list 5432) $policy.database.ports $v.bundled.postgresql.enabled)) }}
{{- if include "limner.kafkaServers" . }}
{{ include "limner.engineEgress" (dict "root" . "engine" "kafka" "bundled" (ternary "kafka" "" $v.bundled.kafka.enabled) "ports" (ternary (list 9092) $policy.kafka.ports $v.bundled.kafka.enabled)) }}
{{- end }}
{{- end -}}

{{/* Egress to all engines that are used. */}}
{{- define "limner.enginesEgress" -}}
{{- $v := .Values -}}
{{- $policy := $v.networkPolicy -}}
{{ include "limner.migrationEgress" . }}
{{ include "limner.engineEgress" (dict "root" . "engine" "objects" "bundled" (ternary "minio" "" $v.bundled.minio.enabled) "ports" (ternary (list 9000) $policy.objects.ports $v.bundled.minio.enabled)) }}
{{- if include "limner.hasRedis" . }}
{{ include "limner.engineEgress" (dict "root" . "engine" "redis" "bundled" (ternary "redis" "" $v.bundled.redis.enabled) "ports" (ternary (list 6379) $policy.redis.ports $v.bundled.redis.enabled)) }}
{{- end }}
{{- if $v.traces.url }}
{{ include "limner.engineEgress" (dict "root" . "engine" "traces" "bundled" "" "ports" $policy.traces.ports) }}
{{- end }}
{{- end -}}

{{/* The policy of one workload; call with its scope. */}}
{{- define "limner.workloadPolicy" -}}
{{- $root := .root -}}
{{- $policy := $root.Values.networkPolicy -}}
{{- $calls := $root.Files.Get "files/calls.yaml" | fromYaml -}}
{{- $workload := .workload -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .fullname }}
  labels:
    {{- include "limner.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "limner.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- if eq $workload.kind "service" }}
    - ports:
        - {port: http, protocol: TCP}
      from:
        {{- range (include "limner.workloads" $root | fromJson).items }}
        {{- if and (ne .kind "relay") (ne .service $workload.service) (has $workload.service (index $calls .service)) }}
        {{- include "limner.peer" (dict "root" $root "component" .component) | nindent 8 }}
        {{- end }}
        {{- end }}
        {{- include "limner.peer" (dict "root" $root "component" "doctor") | nindent 8 }}
    {{- if eq $workload.service "api" }}
    - ports:
        - {port: http, protocol: TCP}
      {{- with $policy.from }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- end }}
    {{- with $policy.metricsFrom }}
    - ports:
        - {port: health, protocol: TCP}
      from:
        {{- toYaml . | nindent 8 }}
    {{- end }}
  egress:
    {{- range $called := index $calls $workload.service }}
    {{- if and (ne $workload.kind "relay") (index $root.Values.services $called).enabled }}
    - ports:
        - {port: http, protocol: TCP}
      to:
        {{- include "limner.peer" (dict "root" $root "component" $called) | nindent 8 }}
    {{- end }}
    {{- end }}
    {{- if eq $workload.kind "relay" }}
    {{- include "limner.migrationEgress" $root | nindent 4 }}
    {{- else }}
    {{- include "limner.enginesEgress" $root | nindent 4 }}
    {{- end }}
    {{- if has .component $policy.internet }}
    - ports:
        - {port: 80, protocol: TCP}
        - {port: 443, protocol: TCP}
      to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
        - ipBlock:
            cidr: ::/0
            except: ["::1/128", "fc00::/7", "fe80::/10"]
    {{- end }}
{{- end -}}
