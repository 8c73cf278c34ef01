extension ProjectTemplate {
  /// `agents/diary/agent.json`.
  var manifest: String {
    """
    {
      "$schema": "../../schema/agent.schema.json",
      "identity": {
        "id": "diary",
        "name": "Diary",
        "version": "0.1.0",
        "description": "Counts how often the pump has run"
      },
      "runtime": { "driver": "process", "entry": "diary.sh" },
      "capabilities": { "permissions": { "sensors": ["soil"] } },
      "budget": { "memory": "8MiB", "activation": "2s" },
      "subscribe": ["device:changed"]
    }

    """
  }

  /// `agents/diary/diary.sh`.
  var program: String {
    #"""
    #!/bin/sh
    # Counts how often the pump has run, and writes into its log how dry the soil was. An agent may be any program: the daemon
    # starts it in a sandbox and talks to it in JSON, one object a line, on file descriptor 3.
    # `openstarry agent new NAME --lang python` makes one in Python, for anything longer than this.
    runs=0

    send() { printf '%s\n' "$1" >&3 2>/dev/null || exit 0; }

    # Asks the daemon for the newest reading of the soil, and sets `soil` to its value.
    read_soil() {
      send '{"jsonrpc":"2.0","id":1,"method":"getSensorData","params":{"id":"soil"}}'
      IFS= read -r answer <&3 || exit 0
      soil="an unknown value"
      case $answer in
        *'"value":'*)
          soil=${answer#*\"value\":}
          soil="${soil%%[,\}]*} %"
          ;;
      esac
    }

    send '{"jsonrpc":"2.0","method":"ready","params":{"abi":1}}'
    while IFS= read -r line <&3; do
      id=${line#*\"id\":}
      id=${id%%,*}
      result='{}'
      case $line in
        *'"method":"activate"'*'"device":"pump"'*'"state":1'*)
          runs=$((runs + 1))
          read_soil
          echo "run $runs of the pump, the soil is at $soil"
          ;;
        *'"method":"snapshot"'*) result="{\"snapshot\":{\"runs\":$runs}}" ;;
        *'"method":"stop"'*)
          send "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}"
          exit 0
          ;;
      esac
      send "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$result}"
    done

    """#
  }
}
