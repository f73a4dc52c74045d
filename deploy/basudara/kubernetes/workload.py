"""One service of one agency: what runs, as whom, within which limits, and how it is known to be well."""

import json
from typing import Any

from deploy.basudara.kubernetes import places, secret_keys
from deploy.basudara.kubernetes.places import AGENCY, DOOR_PORT, NAME, Document, resource
from deploy.basudara.kubernetes.values import Values

USER = 10001  # as the images have it
REPLICAS = 2
SECRETS, TRUST, PARTNERS, SCRATCH = "/etc/basudara/secrets", "/etc/basudara/trust", "/etc/basudara/partners", "/scratch"
TRUSTED, PARTNERS_FILE = "ca.crt", "partners.json"
LEAVE_SECONDS = 5  # until nobody is sent to a pod that stops
STOP_SECONDS = 30  # longer than that and the service's own `stop_seconds` together


def service_resources(agency: str, service: str, partners: dict[str, str], values: Values) -> list[Document]:
    """`partners`: "agency/service" -> base URL, of those whom this service may ask."""
    home, labels = places.home(agency), places.labels(agency, service)
    picks = {NAME: service, AGENCY: agency}
    found = [
        resource("v1", "ServiceAccount", service, home, labels=labels, automountServiceAccountToken=False),
        resource(
            "v1",
            "Service",
            service,
            home,
            labels=labels,
            spec={
                "type": "ClusterIP",
                "selector": picks,
                "ports": [{"name": "http", "port": DOOR_PORT, "targetPort": "http", "protocol": "TCP"}],
            },
        ),
        resource("apps/v1", "Deployment", service, home, labels=labels, spec=_deployment(agency, service, values)),
        resource(
            "policy/v1",
            "PodDisruptionBudget",
            service,
            home,
            labels=labels,
            spec={
                "maxUnavailable": 1,
                "selector": {"matchLabels": picks},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        ),
    ]
    if service in secret_keys.ASKS_PARTNERS:
        data = {PARTNERS_FILE: json.dumps(partners, sort_keys=True, indent=1) + "\n"}
        found.insert(0, resource("v1", "ConfigMap", f"{service}-partners", home, labels=labels, data=data))
    return found


def _deployment(agency: str, service: str, values: Values) -> Document:
    picks = {NAME: service, AGENCY: agency}
    pod = {
        "serviceAccountName": service,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "nodeTaintsPolicy": "Honor",  # a node that is being emptied does not count
                "labelSelector": {"matchLabels": picks},
                "matchLabelKeys": ["pod-template-hash"],  # pods of the version before do not count
            }
        ],
        "containers": [_container(agency, service, values)],
        "volumes": _volumes(service),
    }
    return {
        "replicas": REPLICAS,
        "revisionHistoryLimit": 3,
        "minReadySeconds": 5,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "selector": {"matchLabels": picks},
        "template": {"metadata": {"labels": places.labels(agency, service)}, "spec": pod},
    }


def _container(agency: str, service: str, values: Values) -> Document:
    return {
        "name": service,
        "image": f"{values.images}/{service}:{values.tag}",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": DOOR_PORT, "protocol": "TCP"}],
        "env": _environment(agency, service, values),
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "64Mi"},
            "limits": {"memory": "512Mi", "ephemeral-storage": "128Mi"},  # no limit of cpu: it only delays
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # well once, a service stays in reach while its broker is away: commands wait in its outbox (decision 0002)
        "startupProbe": {**_asks("/ready"), "periodSeconds": 5, "failureThreshold": 360, "timeoutSeconds": 5},
        "readinessProbe": {**_asks("/live"), "periodSeconds": 5, "failureThreshold": 2, "timeoutSeconds": 5},
        "livenessProbe": {**_asks("/live"), "periodSeconds": 10, "failureThreshold": 6, "timeoutSeconds": 5},
        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVE_SECONDS}}},
        "volumeMounts": [
            {"name": volume["name"], "mountPath": path, **({} if path == SCRATCH else {"readOnly": True})}
            for volume, path in zip(_volumes(service), (SCRATCH, SECRETS, TRUST, PARTNERS), strict=False)
        ],
    }


def _asks(path: str) -> Document:
    return {"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}}


def _environment(agency: str, service: str, values: Values) -> list[Document]:
    user = f"{agency}.{service}"
    told = {
        "AGENCY": agency,
        "PRODUCTION": "true",
        "ISSUER": values.issuer,
        "KAFKA": places.kafka(),
        "KAFKA_TLS": "true",
        "KAFKA_USER": user,
        "MONGO_URL": places.mongo(agency),
        "MONGO_USER": user,
        "DATABASE": f"{agency}-{service}",
        **{setting: f"{SECRETS}/{key}" for key, setting in secret_keys.in_files(service).items()},
    }
    if service in secret_keys.ASKS_PARTNERS:
        told["PARTNERS"] = f"{PARTNERS}/{PARTNERS_FILE}"
    if service == "notification":
        told |= {"GATEWAY_URL": values.gateway, "RECEIPTS_URL": values.receipts.format(agency=agency)}
    prefix = service.upper()
    rows: list[Document] = [{"name": f"{prefix}_{name}", "value": value} for name, value in sorted(told.items())]
    # two replicas are two members of the group: each is called as its pod
    rows.append({"name": f"{prefix}_INSTANCE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    for key, setting in secret_keys.IN_ENVIRONMENT.get(service, {}).items():
        secret = {"secretKeyRef": {"name": service, "key": key}}
        rows.append({"name": f"{prefix}_{setting}", "valueFrom": secret})
    # OpenSSL's own variable: the authorities of broker and store beside those of the image
    rows.append({"name": "SSL_CERT_FILE", "value": f"{TRUST}/{TRUSTED}"})
    rows.append({"name": "TMPDIR", "value": SCRATCH})
    return rows


def _volumes(service: str) -> list[Document]:
    """In the order of their mounts. Keys are named one by one, so that what goes by environment is in no file."""
    items = [{"key": key, "path": key} for key in sorted(secret_keys.in_files(service))]
    found: list[dict[str, Any]] = [
        {"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}},
        {"name": "secrets", "secret": {"secretName": service, "defaultMode": 0o440, "items": items}},
        {"name": "trust", "secret": {"secretName": "trust", "defaultMode": 0o444}},
    ]
    if service in secret_keys.ASKS_PARTNERS:
        found.append({"name": "partners", "configMap": {"name": f"{service}-partners", "defaultMode": 0o444}})
    return found
