{{- /* What a container of each role has alike. */ -}}
{{- define "crossdock.container" -}}
image: {{ include "crossdock.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with .Values.environment }}
env:
  {{- range $name, $value := . }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}
volumeMounts:
  - name: settings
    mountPath: /etc/crossdock
    readOnly: true
  - name: secrets
    mountPath: /run/secrets/crossdock
    readOnly: true
  - name: work
    mountPath: /var/lib/crossdock
  - name: temporary
    mountPath: /tmp
{{- end -}}

{{- /* What their pods have alike; takes the name of the ConfigMap as `settings`, the chart's root as `root`. */ -}}
{{- define "crossdock.pod" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: settings
    configMap:
      name: {{ .settings }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- range .root.Values.secrets }}
        - secret:
            name: {{ . }}
        {{- end }}
  - name: work
    emptyDir: {}
  - name: temporary
    emptyDir: {}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
