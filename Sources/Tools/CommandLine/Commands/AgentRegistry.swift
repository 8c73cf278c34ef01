import ArgumentParser
import Linux
import Model

// The subcommands of `agent` that change or show what is registered with the daemon.
extension AgentCommands {
  struct AgentList: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists the registered agents: version, isolation, whether they may run, manifest.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("registry.list") { result, _ in
        RegistryText.table(result["agents"]?.list ?? [], unusable: result["unusable"]?.map ?? [:])
      }
    }
  }

  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one registered agent: manifest, permissions, the rules that name it, and its state.")
    @OptionGroup var target: AgentTarget

    func run() throws {
      try target.ask("registry.inspect") { RegistryText.page($0, hash: Self.hash(of: $0)) }
    }

    /// The SHA-256 of the agent's program or module as it is now; nil when its entry is no file, or this user may not
    /// read it.
    private static func hash(of agent: Value) -> String? {
      guard let manifest = agent["file"]?.string, let entry = agent["entry"]?.string else { return nil }
      let path = Files.join(Files.folder(of: manifest), entry)
      guard Files.isFile(path), let bytes = try? Files.read(path) else { return nil }
      return SHA256.text(bytes)
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Registers or replaces an agent: the same as 'openstarry register'.",
      discussion: Register.configuration.discussion)
    @OptionGroup var register: Register

    func run() throws { try register.run() }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Ends an agent and removes it from the registry, with its durable values.",
      discussion: """
        An agent that the settings' 'agents' name is back at the next reload or start of the daemon; 'openstarry agent \
        disable' keeps it from running.
        """)
    @OptionGroup var target: AgentTarget

    func run() throws {
      try target.ask("registry.unregister", ["end": true], timeout: nil) { result in
        ["\(target.agent.printable) removed"] + RegistryText.waiting(result)
      }
    }
  }

  struct Enable: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lets a disabled agent run again; starts it if its lifecycle is 'always'.")
    @OptionGroup var target: AgentTarget

    func run() throws {
      try target.ask("registry.enable") { status in
        // Enabling does not release it.
        ["\(AgentText.sentence(status)), enabled"]
          + (status["state"]?.string == "quarantined"
            ? ["'openstarry restart \(target.agent.printable)' releases it"] : [])
      }
    }
  }

  struct Disable: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Keeps an agent from running, over restarts of the daemon too.",
      discussion: """
        A running one ends within its grace time. Events, rules and 'openstarry spawn' do not start it, and rules that \
        name it wait.
        """)
    @OptionGroup var target: AgentTarget

    func run() throws {
      try target.ask("registry.disable") { status in
        // An agent at rest is called disabled already.
        [AgentText.sentence(status) + (status["state"]?.string == "idle" ? "" : ", disabled")]
      }
    }
  }
}
