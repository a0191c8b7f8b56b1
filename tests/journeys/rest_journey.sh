#!/usr/bin/env bash
# The main job through REST with curl alone: from an empty train to a verified evidence package.
#
#   HOST=http://127.0.0.1:8000 ORG=northwind RTE=rtk_… PRODUCT=… LEAD=… MANAGER=… CHAIR=… CAB1=… CAB2=… CAB3=…
#   PROBLEM=… COMPLIANCE=… PIPELINE=… CAB1_EMAIL=… CAB2_EMAIL=… CAB3_EMAIL=… OWNER_EMAIL=… tests/journeys/rest_journey.sh FOLDER
#
# API tokens, one per role; e-mail addresses of the board's members and of whoever mends things. FOLDER takes the files
# that are sent and received.
# It ends with 0 when every step went as it should; the first that did not is named.
set -euo pipefail

API="$HOST/api/v1/orgs/$ORG"
FOLDER=${1:?"name a folder for files"}
mkdir -p "$FOLDER"
DIGEST="sha256:$(printf 'rest journey' | sha256sum | cut -d' ' -f1)"
FIXED="sha256:$(printf 'rest journey, fixed' | sha256sum | cut -d' ' -f1)"

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# request TOKEN METHOD PATH [curl arguments]: the body goes to $FOLDER/answer, the status to $STATUS.
request() {
    local token=$1 method=$2 path=$3
    shift 3
    STATUS=$(curl -sS -o "$FOLDER/answer" -w '%{http_code}' -X "$method" \
        -H "Authorization: Bearer $token" -H 'Accept: application/json' "$@" "$API/$path")
}
call() {
    request "$@"
    [[ $STATUS == 2* ]] || fail "$2 $3 answered $STATUS: $(cat "$FOLDER/answer")"
}
post() { # TOKEN PATH JSON
    call "$1" POST "$2" -H 'Content-Type: application/json' -d "${3:-{\}}"
    printf 'POST %s: %s\n' "$2" "$STATUS"
}
refused() { # STATUS CODE TOKEN PATH JSON
    request "$3" POST "$4" -H 'Content-Type: application/json' -d "${5:-{\}}"
    [[ $STATUS == "$1" && $(pick code) == "$2" ]] || fail "POST $4: $STATUS $(cat "$FOLDER/answer"), not $1 $2"
    printf 'POST %s: refused with %s, %s\n     %s\n' "$4" "$STATUS" "$2" "$(pick detail)"
}
get() { call "$1" GET "$2"; }
pick() { # a dotted path into the last answer, e.g. items.0.id
    python3 -c '
import json, sys
value = json.load(open(sys.argv[1]))
for part in sys.argv[2].split("."):
    value = value[int(part)] if part.isdigit() else value[part]
print(value if isinstance(value, str) else json.dumps(value))' "$FOLDER/answer" "$1"
}
expect() { # WANTED PATH: what the last answer holds there
    [[ $(pick "$2") == "$1" ]] || fail "$2 is $(pick "$2"), not $1"
}
day() { date -u -d "$1" +%F; }
moment() { date -u -d "$1" +%FT%TZ; }
eventually() { # SECONDS COMMAND…: for what a worker does in its own time
    local until=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        ((SECONDS < until)) || fail "did not happen in time: $*"
        sleep 1
    done
}

step "a train, its teams, services from a file, environments, a Program Increment"
monday=$(day "$(($(date -u +%u) - 1)) days ago")
post "$RTE" trains "{\"key\": \"CRL\", \"name\": \"Cards by REST\", \"cadence_start\": \"$monday\", \"pi_weeks\": 8}"
post "$RTE" teams '{"train": "CRL", "code": "CRL-A", "name": "Cards A", "people": 6}'
post "$RTE" teams '{"train": "CRL", "code": "CRL-B", "name": "Cards B", "people": 7}'
printf 'name,team,tier\ncrl-ledger,CRL-B,1\ncrl-cards,CRL-A,2\n' >"$FOLDER/services.csv"
call "$RTE" POST services/import_csv -F "file=@$FOLDER/services.csv" -F train=CRL
post "$RTE" environments '{"name": "crl-test", "kind": "test", "train": "CRL"}'
post "$RTE" environments '{"name": "crl-production", "kind": "production", "train": "CRL", "rank": 2}'
post "$RTE" increments "{\"train\": \"CRL\", \"name\": \"27.1\", \"starts\": \"$monday\"}"
PI=$(pick id)
get "$RTE" "iterations?pi=$PI&sort=number"
FIRST=$(pick items.0.id) SECOND=$(pick items.1.id)

step "features: written, refined, scored; an unrefined one has no place in a plan"
feature() { # TITLE
    post "$PRODUCT" features "{\"train\": \"CRL\", \"title\": \"$1\"}"
    KEY=$(pick key)
}
refine() {
    post "$LEAD" "features/$1/refine" \
        '{"acceptance": "It works.", "feasibility": "Known.", "constraints": "none", "points": 5, "tier": 2}'
    post "$PRODUCT" "features/$1/agree_score" '{"value": 13, "time_criticality": 8, "risk_reduction": 5, "job_size": 5}'
    expect 5.20 wsjf
}
feature "Posting API"; PROVIDER=$KEY
feature "Instant refunds"; CONSUMER=$KEY
refused 409 feature.unrefined "$RTE" "features/$CONSUMER/place" "{\"iteration\": \"$SECOND\", \"team\": \"CRL-A\"}"
refine "$PROVIDER"
refine "$CONSUMER"

step "the plan: places, a dependency, fingers, commitment"
post "$RTE" "features/$PROVIDER/place" "{\"iteration\": \"$FIRST\", \"team\": \"CRL-B\"}"
post "$RTE" "features/$CONSUMER/place" "{\"iteration\": \"$SECOND\", \"team\": \"CRL-A\"}"
post "$PRODUCT" feature-dependencies "{\"consumer\": \"$CONSUMER\", \"provider\": \"$PROVIDER\", \"what\": \"POST /orders\"}"
post "$RTE" "feature-dependencies/$(pick id)/accept"
post "$RTE" confidence-votes/cast "{\"pi\": \"$PI\", \"fingers\": 4}"
post "$RTE" "increments/$PI/commit" '{"accept": true, "reason": "Capacities are agreed by word of mouth."}'
expect committed state

step "a board of three, and a gate before production"
post "$CHAIR" boards '{"name": "CRL board", "quorum": 3}'
BOARD=$(pick id)
for email in "$CAB1_EMAIL" "$CAB2_EMAIL" "$CAB3_EMAIL"; do
    post "$CHAIR" "boards/$BOARD/add_member" "{\"email\": \"$email\"}"
done
post "$MANAGER" gates '{"name": "CRL production", "environment": "crl-production", "train": "CRL", "checks": [
    {"kind": "test-results", "name": "tests", "parameters": {"minimum_tests": 3}, "max_age_hours": 24},
    {"kind": "coverage", "name": "coverage", "parameters": {"minimum": 80}, "max_age_hours": 24},
    {"kind": "static-analysis", "name": "static", "parameters": {}, "max_age_hours": 24},
    {"kind": "composition", "name": "composition", "parameters": {}, "max_age_hours": 24},
    {"kind": "scope-dependencies", "name": "dependencies", "parameters": {}, "max_age_hours": 24},
    {"kind": "approvals", "name": "approved", "parameters": {}, "max_age_hours": 24},
    {"kind": "change-window", "name": "window", "parameters": {}, "max_age_hours": 1}]}'
request "$MANAGER" POST do/review_rule.create_standard -H 'Content-Type: application/json' -d '{}'
[[ $STATUS == 2* ]] || fail "standard review rules: $STATUS $(cat "$FOLDER/answer")"

step "reports of a build, and the gate's answer about it"
printf '<testsuite name="s" tests="3">%s</testsuite>' \
    '<testcase classname="s" name="a"/><testcase classname="s" name="b"/><testcase classname="s" name="c"/>' >"$FOLDER/junit.xml"
printf 'TN:\nSF:a.py\nDA:1,1\nDA:2,1\nLF:2\nLH:2\nend_of_record\n' >"$FOLDER/lcov.info"
printf '%s' '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Bandit"}}, "results": [],
    "invocations": [{"executionSuccessful": true}]}]}' >"$FOLDER/bandit.sarif"
bill() { # the severity of its one vulnerability; none without
    local found=""
    if [[ $# == 1 ]]; then
        found="{\"id\": \"CVE-2026-7\", \"ratings\": [{\"severity\": \"$1\"}], \"affects\": [{\"ref\": \"lib\"}]}"
    fi
    printf '{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [{"type": "library",
        "name": "lib", "version": "1.0", "bom-ref": "lib", "purl": "pkg:pypi/lib@1.0"}], "vulnerabilities": [%s]}' \
        "$found" >"$FOLDER/bom.json"
}
reports() { # DIGEST VERSION
    local file
    for file in junit.xml lcov.info bandit.sarif bom.json; do
        call "$PIPELINE" POST results/post -F "digest=$1" -F service=crl-ledger -F "version=$2" -F "source=$file" -F "file=@$FOLDER/$file"
    done
    printf 'POST results/post: four reports for %s\n' "$2"
}
# ask JSON: the settled answer; 202 leads to the evaluation, which may be waited for.
ask() {
    while request "$PIPELINE" POST gates/evaluate -H 'Content-Type: application/json' -d "$1"; [[ $STATUS == 202 ]]; do
        get "$PIPELINE" "evaluations/$(pick evaluations.0.evaluation)?wait=30"
    done
    [[ $STATUS == 200 ]] || fail "gates/evaluate answered $STATUS: $(cat "$FOLDER/answer")"
    printf 'gate says %s\n' "$(pick verdict)"
}
bill critical
reports "$DIGEST" 1.0.0
ask "{\"environment\": \"crl-production\", \"digest\": \"$DIGEST\"}"
expect fail verdict
bill
reports "$DIGEST" 1.0.0
ask "{\"environment\": \"crl-production\", \"digest\": \"$DIGEST\"}"
expect pending verdict

step "a release from the plan, frozen; its change request goes to the board"
release() { # VERSION CLASSIFICATION
    post "$MANAGER" releases "{\"train\": \"CRL\", \"version\": \"$1\", \"classification\": \"$2\", \"tier\": 2,
        \"rollback_plan\": \"Deploy the version before.\", \"success_criteria\": \"Refunds arrive.\"}"
    RELEASE=$(pick key)
}
to_the_board() { # release whose scope and builds are there: settled, frozen, ready, submitted
    post "$MANAGER" "releases/$1/scope"
    post "$MANAGER" "releases/$1/freeze"
    get "$MANAGER" "changes?release=$1"
    CHANGE=$(pick items.0.key)
    refused 422 change.incomplete "$MANAGER" "changes/$CHANGE/submit"
    post "$MANAGER" "changes/$CHANGE/edit" "{\"test_plan\": \"In the gate.\", \"window_starts\": \"$(moment '1 hour ago')\",
        \"window_ends\": \"$(moment '8 hours')\"}"
    post "$MANAGER" "changes/$CHANGE/submit"
    post "$MANAGER" "releases/$1/mark_ready"
}
votes() {
    local token
    for token in "$CAB1" "$CAB2" "$CAB3"; do
        post "$token" "changes/$1/vote" '{"choice": "approve", "rationale": "Scope, tests and the way back are clear."}'
    done
    expect approved state
}
CRITERION="failed refunds at most 1 % within 60 minutes"
release 1.0.0 feature
FIRST_RELEASE=$RELEASE
for key in "$PROVIDER" "$CONSUMER"; do post "$MANAGER" "features/$key/add_to_release" "{\"release\": \"$RELEASE\", \"rollback_criterion\": \"$CRITERION\"}"; done
post "$MANAGER" "releases/$RELEASE/attach_artifact" "{\"artifact\": \"$DIGEST\"}"
to_the_board "$RELEASE"
run() { # VERSION RELEASE STATUS DIGEST
    printf '{"service": "crl-ledger", "environment": "crl-production", "source": "ci", "external_id": "run-%s", "version": "%s",
        "release": "%s", "status": "%s", "digest": "%s"}' "$1" "$1" "$2" "$3" "$4"
}
refused 409 deployment.unapproved "$PIPELINE" deployments/record "$(run 1.0.0 "$RELEASE" running "$DIGEST")"
refused 403 permission.missing "$MANAGER" "changes/$CHANGE/vote" '{"choice": "approve", "rationale": "It is mine."}'
refused 403 permission.missing "$PIPELINE" "changes/$CHANGE/vote" '{"choice": "approve", "rationale": "Green."}'

step "three votes; scope that comes in later takes the approval with it; three votes again"
votes "$CHANGE"
refused 409 state.illegal "$CAB1" "changes/$CHANGE/vote" '{"choice": "reject", "rationale": "On second thoughts."}'
ask "{\"environment\": \"crl-production\", \"release\": \"$RELEASE\"}"
expect pass verdict
post "$PIPELINE" incidents/record '{"title": "Refunds above 10 000 fail", "service": "crl-cards", "severity": 2,
    "source": "monitoring", "external_id": "alert-8"}'
DEFECT=$(pick key)
late() { # EMERGENCY CHANGE
    get "$MANAGER" "incidents/$DEFECT"
    LATE="{\"title\": \"Refunds above 10 000\", \"classification\": \"problem_fix\", \"cause\": \"Customers wait for their money.\",
        \"source_kind\": \"incident\", \"source_id\": \"$(pick id)\", \"source_key\": \"$DEFECT\", \"emergency_change\": \"$1\"}"
}
late ""
refused 409 release.no_emergency_change "$MANAGER" "releases/$RELEASE/add_item" "$LATE"
post "$MANAGER" changes "{\"title\": \"Refunds above 10 000\", \"type\": \"emergency\", \"service\": \"crl-ledger\", \"board\": \"$BOARD\",
    \"implementation_plan\": \"Deploy.\", \"test_plan\": \"In the gate.\", \"backout_plan\": \"Deploy the version before.\",
    \"window_starts\": \"$(moment '1 hour ago')\", \"window_ends\": \"$(moment '8 hours')\"}"
EMERGENCY=$(pick key)
late "$EMERGENCY"
refused 409 release.emergency_change "$MANAGER" "releases/$RELEASE/add_item" "$LATE"
post "$MANAGER" "changes/$EMERGENCY/submit"
votes "$EMERGENCY"
post "$MANAGER" "releases/$RELEASE/add_item" "$LATE"
post "$PROBLEM" "incidents/$DEFECT/resolve"
ask "{\"environment\": \"crl-production\", \"release\": \"$RELEASE\"}"
expect pending verdict
post "$MANAGER" "releases/$RELEASE/mark_ready"
# It carries the fix of a severe defect now: a problem manager has a say.
post "$PROBLEM" "changes/$CHANGE/sign" '{"agrees": true, "rationale": "The fix is small and tested."}'
votes "$CHANGE"
ask "{\"environment\": \"crl-production\", \"release\": \"$RELEASE\"}"
expect pass verdict

step "deployments, reported twice and out of order; commits for lead time"
post "$PIPELINE" deployments/record "{\"service\": \"crl-ledger\", \"environment\": \"crl-production\", \"version\": \"0.9.0\",
    \"status\": \"succeeded\", \"source\": \"ci\", \"external_id\": \"run-0.9.0\", \"started_at\": \"$(moment '3 hours ago')\",
    \"finished_at\": \"$(moment '170 minutes ago')\"}"
post "$PIPELINE" deployments/record "$(run 1.0.0 "$RELEASE" running "$DIGEST")"
DEPLOYMENT=$(pick id)
post "$PIPELINE" deployments/record "$(run 1.0.0 "$RELEASE" succeeded "$DIGEST")"
post "$PIPELINE" deployments/record "$(run 1.0.0 "$RELEASE" running "$DIGEST")"
expect "$DEPLOYMENT" id
expect succeeded state
post "$PIPELINE" "deployments/$DEPLOYMENT/add_commits" \
    "{\"commits\": [{\"sha\": \"$(printf 'c%.0s' {1..40})\", \"authored_at\": \"$(moment '1 day ago')\", \"title\": \"Refunds\"}]}"

step "an incident, the suspected deployment, the rollback"
post "$PIPELINE" incidents/record '{"title": "Refunds are paid twice", "service": "crl-ledger", "severity": 1,
    "fingerprint": "crl-refund-twice", "source": "monitoring", "external_id": "alert-9"}'
INCIDENT=$(pick key)
get "$PROBLEM" "failure-links?incident=$INCIDENT"
expect "$DEPLOYMENT" items.0.deployment.id
post "$PROBLEM" "failure-links/$(pick items.0.id)/accept"
post "$MANAGER" "deployments/$DEPLOYMENT/roll_back" '{"reason": "Refunds are paid twice."}'
post "$PIPELINE" "deployments/$(pick id)/finish" '{"status": "succeeded"}'
expect 0.9.0 version
post "$MANAGER" "releases/$RELEASE/roll_back" '{"reason": "Its deployment was rolled back."}'
post "$PROBLEM" "incidents/$INCIDENT/resolve"

step "the review that opened itself: facts, a cause that cites one, an action, the decision"
review_there() { get "$MANAGER" "reviews?release=$RELEASE" && pick items.0.key; }
eventually 180 review_there
REVIEW=$(pick items.0.key)
refused 409 state.illegal "$MANAGER" "reviews/$REVIEW/add_cause" '{"statement": "Too early.", "category": "code_defect"}'
post "$MANAGER" "reviews/$REVIEW/accept_facts"
get "$MANAGER" "review-facts?review=$REVIEW&q=twice"
post "$MANAGER" "reviews/$REVIEW/add_cause" \
    "{\"statement\": \"The interface takes the same order twice.\", \"category\": \"code_defect\", \"evidence\": \"$(pick items.0.id)\"}"
post "$MANAGER" "reviews/$REVIEW/agree_causes"
post "$MANAGER" "reviews/$REVIEW/add_action" "{\"title\": \"Idempotency key\", \"owner\": \"$OWNER_EMAIL\", \"due_on\": \"$(day '14 days')\",
    \"success_criteria\": \"The same order twice is booked once.\"}"
post "$MANAGER" "reviews/$REVIEW/close" '{"decision": "Changed before refunds are switched on again.", "rationale": "They fail while it stands."}'

step "the problem: nobody validates a root cause of their own; the fix travels the same way"
post "$PROBLEM" "incidents/$INCIDENT/raise_problem"
TROUBLE=$(pick key)
post "$PROBLEM" "problems/$TROUBLE/propose_root_cause" \
    "{\"statement\": \"Not idempotent.\", \"method\": \"five_whys\", \"category\": \"code_defect\", \"evidence\": [\"$INCIDENT\"]}"
CAUSE=$(pick id)
refused 403 root_cause.own "$PROBLEM" "root-causes/$CAUSE/validate" '{"note": "I am sure."}'
post "$COMPLIANCE" "root-causes/$CAUSE/validate" '{"note": "Reproduced."}'
reports "$FIXED" 1.0.1
release 1.0.1 problem_fix
post "$PROBLEM" "problems/$TROUBLE/link_fix" "{\"release\": \"$RELEASE\", \"resolver\": \"$OWNER_EMAIL\", \"rollback_criterion\": \"$CRITERION\"}"
post "$MANAGER" "releases/$RELEASE/attach_artifact" "{\"artifact\": \"$FIXED\"}"
to_the_board "$RELEASE"
refused 403 permission.missing "$MANAGER" "changes/$CHANGE/sign" '{"agrees": true, "rationale": "It is mine."}'
post "$PROBLEM" "changes/$CHANGE/sign" '{"agrees": true, "rationale": "It makes the interface idempotent."}'
votes "$CHANGE"
ask "{\"environment\": \"crl-production\", \"release\": \"$RELEASE\"}"
expect pass verdict
# A fix of this risk goes out step by step only: a tenth of the traffic first, and a person leads on.
refused 409 deployment.unstaged "$PIPELINE" deployments/record "$(run 1.0.1 "$RELEASE" running "$FIXED")"
post "$MANAGER" canary-configs '{"name": "Refunds", "metrics": [{"name": "failed_refunds", "direction": "increase"}]}'
CANARY=$(pick key)
post "$MANAGER" staged-paths "{\"name\": \"Careful\", \"steps\": \"10 % for 10 min\\n100 %\", \"config\": \"$CANARY\"}"
post "$MANAGER" rollouts/plan "{\"service\": \"crl-ledger\", \"environment\": \"crl-production\", \"path\": \"$(pick id)\", \"release\": \"$RELEASE\"}"
ROLLOUT=$(pick key)
post "$MANAGER" "rollouts/$ROLLOUT/start"
post "$PIPELINE" deployments/record "$(run 1.0.1 "$RELEASE" running "$FIXED")"
for weight in 10 100; do
    get "$PIPELINE" "rollout-commands?rollout=$ROLLOUT&state=awaiting"
    expect "$weight" items.0.weight
    post "$PIPELINE" "rollout-commands/$(pick items.0.id)/confirm"
    post "$MANAGER" "rollouts/$ROLLOUT/advance" '{"reason": "No refund failed on the first of them."}'
done
expect completed state
post "$MANAGER" "releases/$RELEASE/mark_released"
observing() { get "$PROBLEM" "problems/$TROUBLE" && [[ $(pick state) == observing ]]; }
eventually 180 observing
refused 409 problem.observing "$COMPLIANCE" "problems/$TROUBLE/close" '{"note": "It looks gone."}'

step "delivery performance counts what happened"
get "$MANAGER" metrics/dora
python3 - "$FOLDER/answer" <<'PYTHON'
import json, sys
said = json.dumps(json.load(open(sys.argv[1])))
for name in ("deployment_frequency", "change_fail_rate", "change_lead_time"):
    assert name in said, f"{name} is missing: {said[:600]}"
print("metrics/dora:", said[:200], "…")
PYTHON

step "the evidence package: built by a worker, downloaded, verified offline; a damaged one is found out"
post "$COMPLIANCE" evidence/request "{\"release\": \"$FIRST_RELEASE\"}"
PACKAGE=$(pick key)
built() { get "$COMPLIANCE" "evidence/$PACKAGE" && [[ $(pick state) == "done" ]]; }
eventually 120 built
for file in verify.py public-keys.pem "$PACKAGE/file"; do
    call "$COMPLIANCE" GET "evidence/$file"
    cp "$FOLDER/answer" "$FOLDER/${file##*/}"
done
mv "$FOLDER/file" "$FOLDER/package.zip"
python3 -I "$FOLDER/verify.py" "$FOLDER/package.zip" --key "$FOLDER/public-keys.pem" || fail "the package is not intact"
python3 - "$FOLDER/package.zip" "$FOLDER/damaged.zip" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as whole, zipfile.ZipFile(sys.argv[2], "w") as damaged:
    for item in whole.infolist():
        damaged.writestr(item, whole.read(item).replace(b"1.0.0", b"1.0.9"))
PYTHON
code=0
python3 -I "$FOLDER/verify.py" "$FOLDER/damaged.zip" --key "$FOLDER/public-keys.pem" >"$FOLDER/found" || code=$?
[[ $code == 1 ]] || fail "a damaged package was taken for intact ($code)"
grep -m 3 records "$FOLDER/found"

step "all of it went as it should"
