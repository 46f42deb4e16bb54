#!/bin/sh
# Starts a server, unless the one of an earlier demo is up, and trains a model against it. The server stays up.
# PORT=5001 takes another port; FOLDER=… another folder for what the server keeps than .demo/. To begin anew, remove it.
set -eu
cd "$(dirname "$0")/.."
port="${PORT:-5000}"
folder="${FOLDER:-.demo}"
url="http://127.0.0.1:$port"
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

# What MLflow says of its progress would bury what the program does.
MLFLOW_TRACKING_URI="$url" MLFLOW_LOGGING_LEVEL=ERROR MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR=false \
  MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT=true .venvs/mlflow3/bin/python -W ignore demo/train.py

cat <<END
  all experiments        $url/

The server stays up as process $(cat "$pid_file"), its log is $log. To stop it: kill $(cat "$pid_file")
END
