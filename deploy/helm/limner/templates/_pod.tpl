{{/* Parts of pods: security, volumes. They keep Kubernetes' "restricted" standard. */}}

{{- define "limner.podSecurity" -}}
automountServiceAccountToken: false
{{/* Or every service of the namespace would put variables named like ours into the environment. */ -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- with .Values.runAsUser }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  fsGroup: {{ int64 . }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- include "limner.pullSecrets" . }}
{{- end -}}

{{- define "limner.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "limner.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range $engine := list "database" "objects" "kafka" "redis" }}
{{- if (index $.Values $engine).ca.existingSecret }}
- {name: ca-{{ $engine }}, mountPath: /etc/limner/ca/{{ $engine }}, readOnly: true}
{{- end }}
{{- end }}
{{- range $engine := list "database" "kafka" }}
{{- if (index $.Values $engine).certificate.existingSecret }}
- {name: certificate-{{ $engine }}, mountPath: /etc/limner/certificates/{{ $engine }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{/* Call with root and the size of the folder for temporary files. */}}
{{- define "limner.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .scratchGi }}Gi
{{- range $engine := list "database" "objects" "kafka" "redis" }}
{{- with (index $.root.Values $engine).ca }}{{ if .existingSecret }}
- name: ca-{{ $engine }}
  secret:
    secretName: {{ .existingSecret }}
    items:
      - {key: {{ .key | quote }}, path: {{ .key | quote }}}
{{- end }}{{ end }}
{{- end }}
{{- range $engine := list "database" "kafka" }}
{{- with (index $.root.Values $engine).certificate }}{{ if .existingSecret }}
- name: certificate-{{ $engine }}
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
{{- end }}{{ end }}
{{- end }}
{{- end -}}

{{/* Where a pod may run; call with root, component and the workload's values. */}}
{{- define "limner.placement" -}}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with default .root.Values.nodeSelector .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default .root.Values.tolerations .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.topologySpread }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $.root.Values.topologySpread }}
    labelSelector:
      matchLabels:
        {{- include "limner.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end -}}
