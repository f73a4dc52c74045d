"""The installation on Kubernetes: what manifests, agreements and catalogue ask for, as resources that are checked."""
