{{/* The name that everything of a release begins with. */}}
{{- define "tokenledger.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{/* Labels of all objects. */}}
{{- define "tokenledger.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: tokenledger
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What selects the pods of a role: (dict "root" $ "role" "ingress"). Never change these: selectors of workloads are immutable. */}}
{{- define "tokenledger.selector" -}}
app.kubernetes.io/name: tokenledger
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "tokenledger.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if hasPrefix "@" $tag -}}
{{ .Values.image.repository }}{{ $tag }}
{{- else -}}
{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}
{{- end -}}

{{/* Longer than the process takes at most, and some for the container runtime. A kill would cut answers off. */}}
{{- define "tokenledger.gracePeriodSeconds" -}}
{{ add (div (add .stopTimeoutMs 999) 1000) 15 }}
{{- end -}}

{{- define "tokenledger.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
# Without this every start walks the whole volume.
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "tokenledger.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Variables from Secrets: (dict "root" $ "role" "ingress"). */}}
{{- define "tokenledger.secretEnvironment" -}}
{{- range concat .root.Values.secretEnvironment.all (get .root.Values.secretEnvironment .role) }}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end -}}

{{/* (dict "root" $) */}}
{{- define "tokenledger.volumeMounts" -}}
- name: config
  mountPath: /etc/tokenledger/tokenledger.yaml
  subPath: tokenledger.yaml
  readOnly: true
- name: data
  mountPath: /var/lib/tokenledger
- name: tmp
  mountPath: /tmp
{{- range .root.Values.secretFiles }}
- name: secret-{{ . }}
  mountPath: /etc/tokenledger/secrets/{{ . }}
  readOnly: true
{{- end }}
{{- end -}}

{{/* All volumes but `data`: (dict "root" $ "configMap" NAME) */}}
{{- define "tokenledger.volumes" -}}
- name: config
  configMap:
    name: {{ .configMap }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- range .root.Values.secretFiles }}
- name: secret-{{ . }}
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{/* Holds the lock of the process and nothing that must be kept. */}}
{{- define "tokenledger.scratchData" -}}
- name: data
  emptyDir:
    sizeLimit: 64Mi
{{- end -}}

{{/* The pod of a role, without its `data` volume: (dict "root" $ "role" "pricer" "port" 8082), `port` where it serves one. */}}
{{- define "tokenledger.pod" -}}
{{- $values := get .root.Values .role -}}
metadata:
  labels:
    {{- include "tokenledger.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    # A changed config is a rollout.
    checksum/config: {{ toYaml .root.Values.config | sha256sum }}
    {{- with $values.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "tokenledger.fullname" .root }}
  automountServiceAccountToken: false
  # Variables that Kubernetes adds for services look like options of ours.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "tokenledger.gracePeriodSeconds" $values }}
  securityContext:
    {{- include "tokenledger.podSecurityContext" . | nindent 4 }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  # Zones first, then nodes: one failure must not take all of a role.
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "tokenledger.selector" $ | nindent 10 }}
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "tokenledger.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [run, --roles, {{ .role }}]
      env:
        - name: TOKENLEDGER_ADMIN_PORT
          value: '8081'
        {{- if .port }}
        - name: TOKENLEDGER_{{ upper .role }}_HOST
          value: 0.0.0.0
        - name: TOKENLEDGER_{{ upper .role }}_PORT
          value: {{ .port | quote }}
        {{- end }}
        - name: TOKENLEDGER_SHUTDOWN_TIMEOUT_MS
          value: {{ int64 $values.stopTimeoutMs | quote }}
        {{- if hasKey $values "leaveDelayMs" }}
        - name: TOKENLEDGER_INGRESS_LEAVE_DELAY_MS
          value: {{ int64 $values.leaveDelayMs | quote }}
        {{- end }}
        {{- include "tokenledger.secretEnvironment" . | nindent 8 }}
      ports:
        - name: admin
          containerPort: 8081
        {{- if .port }}
        - name: http
          containerPort: {{ .port }}
        {{- end }}
      # A slow start is no failure: the first reading of the control topic may take a while.
      startupProbe:
        httpGet: { path: /healthz, port: admin }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: admin }
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: admin }
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- include "tokenledger.securityContext" . | nindent 8 }}
      volumeMounts:
        {{- include "tokenledger.volumeMounts" . | nindent 8 }}
  volumes:
    {{- include "tokenledger.volumes" (dict "root" .root "configMap" (include "tokenledger.fullname" .root)) | nindent 4 }}
{{- end -}}
