# Shared functions of the system ring's scripts, which source this file. Tests are functions; their output is the report,
# and the first failing command ends them. POSIX shell with `local`, because the test-bed has no other shell.

passed=0 failed=0 results=

# run NAME FUNCTION: runs a test in a subshell, prints a line, and records a JUnit case.
run() {
  local name=$1 begin end seconds output status
  begin=$(now)
  # `set -e` has no effect in a subshell that is part of a condition.
  set +e
  output=$(set -eu; "$2" 2>&1)
  status=$?
  set -e
  seconds=$(awk "BEGIN { printf \"%.1f\", $(now) - $begin }")
  if [ $status = 0 ]; then
    passed=$((passed + 1))
    echo "ok    $name ($seconds s)"
    results="$results<testcase classname=\"system\" name=\"$name\" time=\"$seconds\"/>
"
  else
    failed=$((failed + 1))
    echo "FAIL  $name ($seconds s)"
    results="$results<testcase classname=\"system\" name=\"$name\" time=\"$seconds\"><failure>$(printf '%s\n' "$output" |
      tail -n 40 | tr -d '\000-\010\013-\037' | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g')</failure></testcase>
"
  fi
  [ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/      /'
}

# Writes the results to FILE as JUnit XML; fails if a test has failed.
finish() {
  printf '<?xml version="1.0"?>\n<testsuite name="system" tests="%s" failures="%s">\n%s</testsuite>\n' \
    $((passed + failed)) $failed "$results" >"$1"
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
}

# Seconds since boot.
now() { cut -d' ' -f1 /proc/uptime; }

# fail WORDS: ends the test.
fail() { echo "$*"; exit 1; }

# expect WHAT FOUND WANTED
expect() { [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"; }

# within SECONDS COMMAND…: retries until the command succeeds.
within() {
  local limit=$1 begin
  shift
  begin=$(now)
  until "$@" >/dev/null 2>&1; do
    if awk "BEGIN { exit !($(now) - $begin > $limit) }"; then
      "$@" || true
      fail "not within $limit s: $*"
    fi
    sleep 0.1
  done
}
