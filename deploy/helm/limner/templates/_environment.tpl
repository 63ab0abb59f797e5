{{/* Environment of our containers. Every variable is a field of a Settings class of the product; tests/helm checks that. */}}

{{- define "limner.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key | quote }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end -}}

{{/* Whole numbers come as floats from values; they are written without an exponent. */}}
{{- define "limner.variable" -}}
{{- $isWhole := and (kindIs "float64" .value) (eq (float64 .value) (floor .value)) -}}
- name: {{ .name }}
  value: {{ if $isWhole }}{{ .value | int64 | toString | quote }}{{ else }}{{ .value | toString | quote }}{{ end }}
{{- end -}}

{{/* What every process needs: database and bus. */}}
{{- define "limner.engineEnvironment" -}}
{{- $values := .Values -}}
{{- $generated := include "limner.generated" . -}}
{{- if $values.bundled.postgresql.enabled }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_DATABASE_URL" "secret" $generated "key" "database-url") }}
{{- else }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_DATABASE_URL" "secret" $values.database.existingSecret "key" $values.database.urlKey) }}
{{- end }}
{{- if not $values.bundled.postgresql.enabled }}
{{- with $values.database.sslmode }}
{{ include "limner.variable" (dict "name" "LIMNER_DATABASE_SSLMODE" "value" .) }}
{{- end }}
{{- with $values.database.ca }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_DATABASE_CA_FILE" "value" (printf "/etc/limner/ca/database/%s" .key)) }}
{{- end }}{{ end }}
{{- with $values.database.certificate }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_DATABASE_CERTIFICATE_FILE" "value" (printf "/etc/limner/certificates/database/%s" .certificateKey)) }}
{{ include "limner.variable" (dict "name" "LIMNER_DATABASE_KEY_FILE" "value" (printf "/etc/limner/certificates/database/%s" .privateKeyKey)) }}
{{- end }}{{ end }}
{{- with $values.database.direct }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_DATABASE_IS_BEHIND_PGBOUNCER" "value" true) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_DATABASE_DIRECT_URL" "secret" .existingSecret "key" .urlKey) }}
{{- end }}{{ end }}
{{- end }}
{{- with include "limner.kafkaServers" . }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_SERVERS" "value" .) }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_PREFIX" "value" (include "limner.kafkaPrefix" $)) }}
{{- with ternary 1 $values.kafka.replication $values.bundled.kafka.enabled }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_REPLICATION" "value" .) }}
{{- end }}
{{- with $values.kafka.partitions }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_PARTITIONS" "value" .) }}
{{- end }}
{{- if not $values.bundled.kafka.enabled }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_SECURITY_PROTOCOL" "value" $values.kafka.securityProtocol) }}
{{- if hasPrefix "SASL" $values.kafka.securityProtocol }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_SASL_MECHANISM" "value" $values.kafka.saslMechanism) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_KAFKA_USERNAME" "secret" $values.kafka.existingSecret "key" $values.kafka.usernameKey) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_KAFKA_PASSWORD" "secret" $values.kafka.existingSecret "key" $values.kafka.passwordKey) }}
{{- end }}
{{- with $values.kafka.ca }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_CA_FILE" "value" (printf "/etc/limner/ca/kafka/%s" .key)) }}
{{- end }}{{ end }}
{{- with $values.kafka.certificate }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_CERTIFICATE_FILE" "value" (printf "/etc/limner/certificates/kafka/%s" .certificateKey)) }}
{{ include "limner.variable" (dict "name" "LIMNER_KAFKA_KEY_FILE" "value" (printf "/etc/limner/certificates/kafka/%s" .privateKeyKey)) }}
{{- end }}{{ end }}
{{- end }}
{{- end }}
{{ include "limner.variable" (dict "name" "LIMNER_LOG_LEVEL" "value" $values.logLevel) }}
{{- end -}}

{{/* What makes the first administrator. */}}
{{- define "limner.adminEnvironment" -}}
{{- $admin := .Values.admin -}}
{{- with include "limner.adminSecret" . }}
{{- $keys := ternary (dict "user" "admin-username" "password" "admin-password" "email" "admin-email") (dict "user" $admin.usernameKey "password" $admin.passwordKey "email" $admin.emailKey) $admin.isGenerated }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_ADMIN_USER" "secret" . "key" $keys.user "optional" true) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_ADMIN_PASSWORD" "secret" . "key" $keys.password) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_ADMIN_EMAIL" "secret" . "key" $keys.email "optional" true) }}
{{- end }}
{{- end -}}

{{/* What reads and writes objects and the cache. */}}
{{- define "limner.storeEnvironment" -}}
{{- $values := .Values -}}
{{- $generated := include "limner.generated" . -}}
{{- $full := include "limner.fullname" . -}}
{{- $bundled := $values.bundled.minio.enabled -}}
{{ include "limner.variable" (dict "name" "LIMNER_OBJECTS_S3_URL" "value" (ternary (printf "http://%s-minio:9000" $full) $values.objects.url $bundled)) }}
{{ include "limner.variable" (dict "name" "LIMNER_OBJECTS_S3_BUCKET" "value" (default $full $values.objects.bucket)) }}
{{ include "limner.variable" (dict "name" "LIMNER_OBJECTS_S3_ADDRESSING" "value" (ternary "path" $values.objects.addressing $bundled)) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_OBJECTS_S3_ACCESS_KEY" "secret" (ternary $generated $values.objects.existingSecret $bundled) "key" (ternary "s3-access-key" $values.objects.accessKeyKey $bundled)) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_OBJECTS_S3_SECRET_KEY" "secret" (ternary $generated $values.objects.existingSecret $bundled) "key" (ternary "s3-secret-key" $values.objects.secretKeyKey $bundled)) }}
{{- with $values.objects.region }}
{{ include "limner.variable" (dict "name" "LIMNER_OBJECTS_S3_REGION" "value" .) }}
{{- end }}
{{- with $values.objects.publicUrl }}
{{ include "limner.variable" (dict "name" "LIMNER_OBJECTS_S3_PUBLIC_URL" "value" .) }}
{{- end }}
{{- with $values.objects.ca }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_OBJECTS_S3_CA_FILE" "value" (printf "/etc/limner/ca/objects/%s" .key)) }}
{{- end }}{{ end }}
{{- if include "limner.hasRedis" . }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_REDIS_URL" "secret" (ternary $generated $values.redis.existingSecret $values.bundled.redis.enabled) "key" (ternary "redis-url" $values.redis.urlKey $values.bundled.redis.enabled)) }}
{{ include "limner.variable" (dict "name" "LIMNER_REDIS_PREFIX" "value" (default (printf "%s:" $full) $values.redis.prefix)) }}
{{- with $values.redis.ca }}{{ if .existingSecret }}
{{ include "limner.variable" (dict "name" "LIMNER_REDIS_CA_FILE" "value" (printf "/etc/limner/ca/redis/%s" .key)) }}
{{- end }}{{ end }}
{{- end }}
{{- end -}}

{{/* Addresses of the other services, as the product reads them: a JSON object. */}}
{{- define "limner.upstreams" -}}
{{- $found := dict -}}
{{- range $name, $service := .root.Values.services -}}
{{- if and $service.enabled (ne $name $.service) -}}
{{- $_ := set $found $name (printf "http://%s-%s:8000" (include "limner.fullname" $.root) $name) -}}
{{- end -}}
{{- end -}}
{{ toJson $found }}
{{- end -}}

{{/* The whole environment of a workload; call with root and the workload. */}}
{{- define "limner.environment" -}}
{{ include "limner.engineEnvironment" .root | trim }}
{{ include "limner.variable" (dict "name" "LIMNER_DATABASE_POOL_SIZE" "value" .root.Values.database.poolSize) }}
{{- if ne .workload.kind "relay" }}
{{ include "limner.servingEnvironment" . | trim }}
{{- end }}
{{- with .root.Values.traces.url }}
{{ include "limner.variable" (dict "name" "LIMNER_TRACES_URL" "value" .) }}
{{ include "limner.variable" (dict "name" "LIMNER_TRACES_SAMPLE_RATIO" "value" $.root.Values.traces.sampleRatio) }}
{{- end }}
{{- if eq .workload.kind "service" }}
{{ include "limner.variable" (dict "name" "LIMNER_HAS_RELAY" "value" (not .root.Values.relays.enabled)) }}
{{ include "limner.variable" (dict "name" "LIMNER_DRAIN_SECONDS" "value" .root.Values.drainSeconds) }}
{{- end }}
{{- range $name, $value := merge (dict) .workload.values.env .root.Values.env }}
{{ include "limner.variable" (dict "name" $name "value" $value) }}
{{- end }}
{{- end -}}

{{/* What a service and its workers need beyond database and bus. */}}
{{- define "limner.servingEnvironment" -}}
{{- $values := .root.Values -}}
{{- $generated := include "limner.generated" .root -}}
{{- $service := .workload.service -}}
{{- $grants := ternary $generated $values.grants.existingSecret $values.grants.isGenerated -}}
{{- with $values.database.replica }}{{ if .existingSecret }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_DATABASE_REPLICA_URL" "secret" .existingSecret "key" .urlKey) }}
{{- end }}{{ end }}
{{ include "limner.storeEnvironment" .root | trim }}
{{- if include "limner.hasCacheFolder" . }}
{{ include "limner.variable" (dict "name" "LIMNER_CACHE_FOLDER" "value" "/var/cache/limner") }}
{{/* Nine tenths of the emptyDir, whose bound ends the pod. */ -}}
{{ include "limner.variable" (dict "name" "LIMNER_CACHE_MAX_BYTES" "value" (mul (int64 .workload.values.cacheGi) 966367641)) }}
{{- end }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_PRIVATE_KEY" "secret" $grants "key" (printf "%s.private" $service)) }}
{{ include "limner.secretVariable" (dict "name" "LIMNER_KEYS" "secret" $grants "key" (ternary "keys.json" $values.grants.publicKeysKey $values.grants.isGenerated)) }}
{{ include "limner.variable" (dict "name" "LIMNER_UPSTREAMS" "value" (include "limner.upstreams" (dict "root" .root "service" $service))) }}
{{- if eq $service "api" }}
{{- with $values.publicUrl }}
{{ include "limner.variable" (dict "name" "LIMNER_API_PUBLIC_URL" "value" .) }}
{{- end }}
{{ include "limner.variable" (dict "name" "LIMNER_API_BASE_PATH" "value" $values.basePath) }}
{{ include "limner.variable" (dict "name" "LIMNER_API_IS_BEHIND_PROXY" "value" (include "limner.isBehindProxy" .root)) }}
{{ include "limner.variable" (dict "name" "LIMNER_API_IS_REGISTRATION_ENABLED" "value" $values.isRegistrationEnabled) }}
{{- end }}
{{- end -}}

{{- define "limner.isBehindProxy" -}}
{{- if kindIs "bool" .Values.isBehindProxy }}{{ .Values.isBehindProxy }}{{ else }}{{ or .Values.ingress.enabled .Values.gateway.enabled }}{{ end -}}
{{- end -}}
