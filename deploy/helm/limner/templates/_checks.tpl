{{/* What the schema cannot say: fails with a sentence about what to set. */}}
{{- define "limner.check" -}}
{{- $v := .Values -}}
{{- if not (or $v.database.existingSecret $v.bundled.postgresql.enabled) -}}
{{- fail "Set database.existingSecret to a secret with the database's URL; or, for a trial, use profiles/trial.yaml, which brings a database." -}}
{{- end -}}
{{- if not (or $v.bundled.minio.enabled (and $v.objects.url $v.objects.existingSecret)) -}}
{{- fail "Set objects.url and objects.existingSecret: the S3 endpoint and a secret with its two keys; or, for a trial, bundled.minio.enabled." -}}
{{- end -}}
{{- if not (or $v.grants.existingSecret $v.grants.isGenerated) -}}
{{- fail "Set grants.existingSecret to a secret with the services' keys (README.md says how to make it), or grants.isGenerated to let the chart make them." -}}
{{- end -}}
{{- if and (hasPrefix "SASL" $v.kafka.securityProtocol) $v.kafka.servers (not $v.kafka.existingSecret) -}}
{{- fail "Set kafka.existingSecret: kafka.securityProtocol asks for a user and a password." -}}
{{- end -}}
{{- if and $v.kafka.servers $v.bundled.kafka.enabled -}}
{{- fail "Either kafka.servers or bundled.kafka.enabled, not both." -}}
{{- end -}}
{{- if and $v.admin.isGenerated (eq (include "limner.migrationMode" .) "hook") -}}
{{- fail "admin.isGenerated needs a bundled database: the migration runs before the chart's own secret is there. Set admin.existingSecret." -}}
{{- end -}}
{{- if and $v.publicUrl (ne (urlParse $v.publicUrl).path $v.basePath) -}}
{{- fail (printf "The path of publicUrl (%s) must be basePath (%s)." $v.publicUrl $v.basePath) -}}
{{- end -}}
{{- if lt (int $v.terminationGracePeriodSeconds) (int (add $v.drainSeconds 25)) -}}
{{- fail "terminationGracePeriodSeconds must be at least drainSeconds + 25: running requests get 20 seconds, and closing takes some." -}}
{{- end -}}
{{- range $name, $service := $v.services -}}
{{- if and $service.enabled $service.autoscaling.enabled (not (dig "requests" "cpu" "" $service.resources)) -}}
{{- fail (printf "services.%s.autoscaling compares CPU with services.%s.resources.requests.cpu, which is not set." $name $name) -}}
{{- end -}}
{{- if and $service.enabled (hasKey $service "worker") $service.worker.enabled $service.worker.autoscaling.enabled (not $v.keda.enabled) -}}
{{- fail (printf "services.%s.worker.autoscaling needs keda.enabled, and KEDA in the cluster." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
