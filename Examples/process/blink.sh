#!/bin/sh
# Blinks the lamp when the door opens. An agent may be any program that speaks docs/process-abi.md; this one needs only a
# shell. It trusts the daemon to send JSON, and knows no escapes in an `id`.
set -u
export LC_ALL=C
trap '' PIPE
newline='
'
waiting=
blinks=0

send() { printf '%s\n' "$1" >&3 2>/dev/null || exit 0; }  # the daemon is gone

# own LINE: the message's own fields, without those of the map in it: what stands before its first and behind its last
# brace. The event in `params` and the receipt in `result` have an `id`, too.
own() {
  inside=${1#*\{}
  rest=${inside%\}*}
  fields="${inside%%[\{\}]*},${rest##*\}}"
}

# field NAME: the value of one of the message's own fields, as it was written; nothing if there is none.
field() {
  value=
  case $fields in *"\"$1\""*) ;; *) return ;; esac
  value=${fields#*"\"$1\""}
  value=${value#*:}
  while :; do case $value in [\ ]*) value=${value#?} ;; *) break ;; esac; done
  case $value in
    \"*) value=${value#?} value=\"${value%%\"*}\" ;;
    *) value=${value%%[, ]*} ;;
  esac
}

# call METHOD PARAMS: asks the daemon, and waits. Fails with its error in `refusal`. Requests that arrive wait.
calls=0
call() {
  calls=$((calls + 1))
  send "{\"jsonrpc\":\"2.0\",\"id\":$calls,\"method\":\"$1\",\"params\":$2}"
  while IFS= read -r answer <&3; do
    own "$answer"
    field method
    if [ -n "$value" ]; then
      waiting=$waiting$answer$newline
      continue
    fi
    field id
    [ "$value" = "$calls" ] || continue
    case $answer in *'"error"'*) ;; *) return 0 ;; esac
    refusal=${answer#*\"error\"}
    refusal=${refusal#*:}
    refusal=${refusal%\}*}
    refusal=${refusal%\}*}\}
    return 1
  done
  exit 0
}

# activate LINE: handles the event, and sets the request's `outcome`.
activate() {
  case $1 in *'"active":true'* | *'"active": true'*) ;; *) return ;; esac
  if call controlActuator '{"id":"lamp","command":{"pulse_ms":500}}'; then
    blinks=$((blinks + 1))
    echo "the door is open: the lamp blinks"
  else
    # A refusal that is passed on counts as refused, not as a failure.
    outcome="\"error\":$refusal"
  fi
}

{ true >&3; } 2>/dev/null || {
  echo "openstarryd starts this program: file descriptor 3 must be its socket" >&2
  exit 64
}
send '{"jsonrpc":"2.0","method":"ready","params":{"abi":1}}'
while :; do
  if [ -n "$waiting" ]; then
    line=${waiting%%"$newline"*}
    waiting=${waiting#*"$newline"}
  else
    IFS= read -r line <&3 || exit 0  # the daemon is gone
  fi
  [ -n "$line" ] || continue
  own "$line"
  field method
  method=$value
  field id
  id=$value
  outcome='"result":{}'
  case $method in
    '"activate"') activate "$line" ;;
    '"snapshot"') outcome="\"result\":{\"snapshot\":{\"blinks\":$blinks}}" ;;
    '"stop"') ;;
    '') continue ;;  # an unexpected answer
    *) outcome='"error":{"code":-32601,"message":"there is no such method"}' ;;
  esac
  [ -z "$id" ] || send "{\"jsonrpc\":\"2.0\",\"id\":$id,$outcome}"
  [ "$method" != '"stop"' ] || exit 0
done
