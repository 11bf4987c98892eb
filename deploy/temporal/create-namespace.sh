#!/bin/sh
# Makes the namespace that trials run in, unless it is there. Finished trials can be looked at in the
# Web UI for as long as its retention says.
set -eu

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d
