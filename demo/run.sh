#!/bin/sh
# Starts a server, unless the one of an earlier demo is up, trains a model against it, brings the model to where it answers,
# and traces that back. The server and the endpoint stay up.
# PORT=5001 takes another port, and for the endpoint the one that is 80 above, or ENDPOINT_PORT; FOLDER=… another folder
# for what they keep than .demo/. To begin anew, stop them and remove it.
set -eu
cd "$(dirname "$0")/.."
port="${PORT:-5000}"
endpoint_port="${ENDPOINT_PORT:-$((port + 80))}"
folder="${FOLDER:-.demo}"
url="http://127.0.0.1:$port"
endpoint="http://127.0.0.1:$endpoint_port"
slot="wine-$endpoint_port"
pid_file=$folder/server.$port.pid
log=$folder/server.$port.log

is_ours_and_running() {
  [ -f "$pid_file" ] && ps -p "$(cat "$pid_file")" -o command= 2>/dev/null | grep -q "trackback server"
}

answers() {
  .venv/bin/python -c 'import sys, httpx; httpx.get(sys.argv[1], timeout=2, trust_env=False).raise_for_status()' \
    "$1" 2>/dev/null
}

start_server() {
  mkdir -p "$folder"
  nohup .venv/bin/trackback server --port "$port" \
    --backend-store-uri "sqlite:///$folder/trackback.db" --artifacts-destination "$folder/artifacts" \
    >"$log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  waited=0
  until is_ours_and_running && answers "$url/health"; do
    if ! is_ours_and_running || [ "$waited" -ge 30 ]; then
      rm -f "$pid_file"
      echo "The server did not start. Its log, $log, ends:" >&2
      tail -n 5 "$log" >&2
      echo "If the port is taken, choose another: make demo PORT=5001" >&2
      exit 1
    fi
    waited=$((waited + 1))
    sleep 0.3
  done
}

if is_ours_and_running; then
  echo "the server of an earlier demo is up at $url"
else
  start_server
  echo "started trackback at $url"
fi

trackback() {
  TRACKBACK_TRACKING_URI="$url" XDG_STATE_HOME="$folder/state" TRACKBACK_CACHE_DIR="$folder/cache" \
    .venv/bin/trackback "$@"
}

# What a person does: train, compare, and promote the best. What MLflow says of its progress would bury what the program does.
MLFLOW_TRACKING_URI="$url" MLFLOW_LOGGING_LEVEL=ERROR MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false \
  MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT=true .venvs/mlflow3/bin/python -W ignore demo/train.py "$folder/test.csv"

# What CI does from there on: it knows the promotion's number.
promotion=$(trackback promotions --environment staging --json | sed -n 's/.*"seq":\([0-9]*\).*/\1/p' | tail -n 1)
echo
echo "What CI makes of promotion $promotion, by one command each:"
echo
echo "\$ trackback deliver validate $promotion --data test.csv --target grower --require 'accuracy>=0.9'"
trackback deliver validate "$promotion" --data "$folder/test.csv" --target grower --require 'accuracy>=0.9' \
  --report "$folder/reports"
echo
echo "\$ trackback deliver deploy $promotion --to process --port $endpoint_port"
trackback deliver deploy "$promotion" --to process --port "$endpoint_port" --slot "$slot" --state "$folder" \
  --watch 1 --drain 1
echo
echo "\$ curl $endpoint/invocations --header 'Content-Type: text/csv' --data-binary @first-wines.csv"
head -n 4 "$folder/test.csv" | cut -d , -f -13 | .venv/bin/python -c '
import sys, httpx
rows, headers = sys.stdin.read(), {"content-type": "text/csv"}
answer = httpx.post(sys.argv[1], content=rows, headers=headers, timeout=30, trust_env=False)
print(answer.raise_for_status().text.strip())' "$endpoint/invocations"
echo
echo "What is behind the endpoint?"
echo
echo "\$ trackback trace $endpoint"
trackback trace "$endpoint"

cat <<END

Look at
  all experiments        $url/
  what CI has done       $url/promotions/$promotion
  what is behind it      $url/trace?of=$endpoint
  how it was validated   $folder/reports/validation.html

The model answers at $endpoint, until
  .venv/bin/trackback deliver deploy --to process --slot $slot --state $folder --server $url --remove
The server stays up as process $(cat "$pid_file"), its log is $log. To stop it: kill $(cat "$pid_file")
END
