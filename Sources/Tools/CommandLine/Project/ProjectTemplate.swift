import Document
import Model

/// The files of a new project: a small garden, to be changed into whatever a board is for.
struct ProjectTemplate {
  /// The board's name.
  let name: String

  /// A project whose board has the name of its folder, or is called `garden` if that is no good name.
  init(folder: String) {
    let last = folder.split(separator: "/").last.map(String.init) ?? ""
    name = AgentID(last).isWellFormed ? last : "garden"
  }

  /// The files.
  var files: [AgentTemplate.File] {
    [
      AgentTemplate.File(name: "openstarry.yaml", text: settings),
      AgentTemplate.File(name: "board.yaml", text: board),
      AgentTemplate.File(name: "rules/orchestration.yaml", text: rules),
      AgentTemplate.File(name: "agents/diary/agent.json", text: manifest),
      AgentTemplate.File(name: "agents/diary/diary.sh", text: program, mode: 0o755),
      AgentTemplate.File(name: "Makefile", text: makefile),
      AgentTemplate.File(name: "README.md", text: readme),
      AgentTemplate.File(name: ".gitignore", text: ".openstarry/\n"),
    ]
      + SchemaFile.allCases.map { schema in
        AgentTemplate.File(name: "schema/\(schema.rawValue).schema.json", text: schema.text + "\n")
      }
  }

  private var settings: String {
    """
    # yaml-language-server: $schema=schema/settings.schema.json
    #
    # The daemon's settings: where the other files are. `make check` checks all of them.
    board: board.yaml
    agents: [agents]
    rules: [rules/orchestration.yaml]

    # All agents together. An agent's own limits are in its agent.json.
    budget:
      memory: 128MiB
      cpu: 50%

    """
  }

  private var makefile: String {
    #"""
    OPENSTARRY  ?= openstarry
    OPENSTARRYD ?= openstarryd
    HOST        ?=

    .PHONY: run check schema deploy

    # The garden with every device simulated. In another terminal, in this folder: openstarry devices
    run:
    	@$(OPENSTARRYD) --simulate --config openstarry.yaml --story

    check:
    	@$(OPENSTARRY) check .

    # After an update of openstarry: the forms of the files, for editors.
    schema:
    	@for kind in board agent rules settings; do $(OPENSTARRY) schema $$kind >schema/$$kind.schema.json || exit; done

    # make deploy HOST=pi@garden: these files become the configuration of a board with openstarryd and rsync. What was there
    # before is kept in /etc/openstarry.before.
    deploy: check
    	@[ -n "$(HOST)" ] || { echo "name the board: make deploy HOST=pi@garden" >&2; exit 2; }
    	rsync -rlpt --delete --exclude=/.git --exclude=/.openstarry ./ '$(HOST):openstarry-next/'
    	ssh '$(HOST)' 'openstarry check openstarry-next && \
    	  sudo rsync -rlpt --chmod=a+rX --delete --backup --backup-dir=/etc/openstarry.before openstarry-next/ /etc/openstarry/ && \
    	  sudo systemctl restart openstarryd && openstarry status'

    """#
  }

  private var readme: String {
    """
    # \(name)

    A small garden for openstarryd: when the soil is dry it is watered, from a tank, by day and not in the rain.

    | file | says |
    |---|---|
    | `board.yaml` | what is connected where, and the limits of every output |
    | `rules/orchestration.yaml` | what happens when |
    | `agents/` | programs, for what a rule cannot express; `diary` counts how often the pump has run |
    | `openstarry.yaml` | the daemon's settings |
    | `schema/` | the forms of these files, for editors with yaml-language-server |

    No board is needed to try it: `make run` simulates every device. In another terminal, in this folder:

    ```sh
    openstarry devices               # every value and every output
    openstarry simulate soil 20      # dry: valve and pump run
    openstarry why pump              # the reading and the rule behind it
    openstarry simulate rain on      # raining: they stop
    openstarry simulate button press # the lamp, for two minutes
    openstarry logs diary
    ```

    `make check` finds mistakes: `file:line:column: what is wrong, what was expected`. Change `board.yaml` to your wiring
    before `make deploy HOST=pi@garden` copies everything to a board.

    """
  }
}
