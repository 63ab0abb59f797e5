{{/* Names and labels. A "workload" is a service ("media"), its workers ("media-worker") or its relay ("media-relay"). */}}

{{- define "limner.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "limner.fullname" -}}
{{- $name := include "limner.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Frozen: a Deployment's selector cannot change. tests/helm/selectors.json holds what was released. */}}
{{- define "limner.selector" -}}
app.kubernetes.io/name: {{ include "limner.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "limner.labels" -}}
{{ include "limner.selector" . }}
app.kubernetes.io/part-of: limner
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image of ours; call with root and the image's name. */}}
{{- define "limner.image" -}}
{{- $image := .root.Values.image -}}
{{- $digest := index $image.digests .image -}}
{{- $version := ternary (printf "@%s" $digest) (printf ":%s" (default .root.Chart.AppVersion $image.tag)) (not (empty $digest)) -}}
{{- $parts := list .root.Values.imageRegistry $image.registry $image.repository .image | compact -}}
{{- join "/" $parts }}{{ $version -}}
{{- end -}}

{{/* An image of an engine; call with root and the engine's image values. With imageRegistry its own registry is left out. */}}
{{- define "limner.engineImage" -}}
{{- $registry := default .image.registry .root.Values.imageRegistry -}}
{{- $version := ternary (printf "@%s" .image.digest) (printf ":%s" .image.tag) (not (empty .image.digest)) -}}
{{- $registry }}/{{ .image.repository }}{{ $version -}}
{{- end -}}

{{- define "limner.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The chart's own secret: what it made up. */}}
{{- define "limner.generated" -}}
{{ include "limner.fullname" . }}-generated
{{- end -}}

{{- define "limner.adminSecret" -}}
{{- if .Values.admin.isGenerated }}{{ include "limner.generated" . }}{{ else }}{{ .Values.admin.existingSecret }}{{ end -}}
{{- end -}}

{{/* "init" with bundled engines that the migration needs, else "hook". */}}
{{- define "limner.migrationMode" -}}
{{- ternary "init" "hook" (or .Values.bundled.postgresql.enabled .Values.bundled.kafka.enabled) -}}
{{- end -}}

{{- define "limner.hasRedis" -}}
{{- if or .Values.bundled.redis.enabled .Values.redis.existingSecret }}yes{{ end -}}
{{- end -}}

{{/* Without Redis services and workers keep their cache in a folder of the pod; relays have none. Call with the workload's scope. */}}
{{- define "limner.hasCacheFolder" -}}
{{- if not (or (eq .workload.kind "relay") (include "limner.hasRedis" .root)) }}yes{{ end -}}
{{- end -}}

{{- define "limner.kafkaServers" -}}
{{- if .Values.bundled.kafka.enabled }}{{ include "limner.fullname" . }}-kafka:9092{{ else }}{{ .Values.kafka.servers }}{{ end -}}
{{- end -}}

{{- define "limner.kafkaPrefix" -}}
{{- default (printf "%s." (include "limner.fullname" .)) .Values.kafka.prefix -}}
{{- end -}}

{{/* The workloads, as JSON: a list of {component, service, kind, values}; the kind is service, worker or relay. */}}
{{- define "limner.workloads" -}}
{{- $found := list -}}
{{- range $name, $service := .Values.services -}}
{{- if $service.enabled -}}
{{- $found = append $found (dict "component" $name "service" $name "kind" "service" "values" $service) -}}
{{- if and (hasKey $service "worker") $service.worker.enabled -}}
{{- $found = append $found (dict "component" (printf "%s-worker" $name) "service" $name "kind" "worker" "values" $service.worker) -}}
{{- end -}}
{{- if $.Values.relays.enabled -}}
{{- $found = append $found (dict "component" (printf "%s-relay" $name) "service" $name "kind" "relay" "values" $.Values.relays) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ dict "items" $found | toJson }}
{{- end -}}
