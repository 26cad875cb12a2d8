#!/usr/bin/env bash
# Puts a build of the new backend in the place of the one that serves: bash blue-green.sh IMAGE
#
# The Service `backend` selects one of two Deployments, backend-blue and backend-green, by the label banyan/colour.
#   1 the idle one gets the image, and must become ready    no -> nothing was switched, exit 1
#   2 the Service is switched to it
#   3 it is watched for WATCH_SECONDS (300)                 not all ready, or a container restarts -> switched back, exit 1
# The one from before keeps running, so that going back needs no start; the next deployment replaces it.
set -euo pipefail

image=${1:?usage: blue-green.sh IMAGE}
watch_seconds=${WATCH_SECONDS:-300}
step_seconds=${STEP_SECONDS:-5}
k() { kubectl --namespace "${NAMESPACE:-banyan}" "$@"; }

colour_in_service() { k get service backend --output 'jsonpath={.spec.selector.banyan/colour}'; }
switch_to() { k patch service backend --patch "{\"spec\":{\"selector\":{\"banyan/colour\":\"$1\"}}}"; }
restarts_of() {
  k get pods --selector "app.kubernetes.io/name=backend,banyan/colour=$1" \
    --output 'jsonpath={.items[*].status.containerStatuses[*].restartCount}' | tr ' ' '+' | sed 's/^$/0/'
}
is_ready() {
  local counts
  counts=$(k get deployment "backend-$1" --output 'jsonpath={.spec.replicas} {.status.readyReplicas}')
  [ "${counts% *}" = "${counts#* }" ]
}

serving=$(colour_in_service)
case $serving in
blue) next=green ;;
green) next=blue ;;
*) echo "blue-green: the Service backend selects neither blue nor green, but '$serving'" >&2; exit 2 ;;
esac

echo "blue-green: $serving serves; $next gets $image"
k set image "deployment/backend-$next" "backend=$image"
k scale "deployment/backend-$next" --replicas "$(k get deployment "backend-$serving" --output 'jsonpath={.spec.replicas}')"
if ! k rollout status "deployment/backend-$next" --timeout 300s; then
  echo "blue-green: $next does not become ready; $serving goes on serving" >&2
  exit 1
fi

back() {
  switch_to "$serving"
  echo "blue-green: $1; $serving serves again" >&2
  exit 1
}

before=$(($(restarts_of "$next")))
switch_to "$next" || back "the switch to $next failed"
trap 'back "it was interrupted"' INT TERM
for ((waited = 0; waited < watch_seconds; waited += step_seconds)); do
  sleep "$step_seconds"
  is_ready "$next" || back "$next is not ready any more"
  [ $(($(restarts_of "$next"))) -eq "$before" ] || back "a container of $next was restarted"
done
echo "blue-green: $next serves"
