{{- define "crossdock.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "crossdock.fullname" -}}
{{- $joined := contains (include "crossdock.name" .) .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name (include "crossdock.name" .)) -}}
{{- .Values.fullnameOverride | default $joined | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "crossdock.selects" -}}
app.kubernetes.io/name: {{ include "crossdock.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "crossdock.labels" -}}
{{ include "crossdock.selects" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "crossdock.account" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "crossdock.fullname" .) "default") -}}
{{- end -}}

{{- define "crossdock.image" -}}
{{- with .Values.image -}}
{{- .digest | empty | ternary (printf "%s:%s" .repository (.tag | default $.Chart.AppVersion)) (printf "%s@%s" .repository .digest) -}}
{{- end -}}
{{- end -}}
