import ArgumentParser
import Linux
import Model

struct Console: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads commands line by line, for a serial line or another place without a shell.",
    discussion: """
      Each line is a command of openstarry without its name, e.g. 'read temperature'; commands that work with files \
      are not available. 'help' lists the commands, Ctrl-C ends a running one, 'exit' or Ctrl-D leaves. The console \
      uses no cursor movements and no colours, so any terminal works.
      """)
  @OptionGroup var shared: SharedOptions

  func run() throws {
    // The commands run as child processes: disable their colours.
    Environment.set("TERM", "dumb")
    if let socket = shared.socket { Environment.set("OPENSTARRY_SOCKET", socket) }
    let terminal = Terminal()
    let board = try greet(terminal)
    var lines = LineAssembler()
    try prompt(board, terminal)
    while true {
      var bytes: [UInt8] = []
      guard let count = try? System.read(0, into: &bytes, limit: 4096), count > 0 else { break }
      for input in lines.take(bytes) {
        guard try carryOut(input, terminal) else { return try terminal.line("bye") }
        try prompt(board, terminal)
      }
    }
    if lines.hasBegun { _ = try carryOut(lines.end(), terminal) }
    try terminal.line("")
  }

  /// Prints the greeting.
  /// - Returns: the board's name, for the prompt.
  private func greet(_ terminal: Terminal) throws -> String {
    let status: Value
    do {
      let remote = try shared.connect(timeout: .seconds(10))
      // All commands use this connection's daemon, whose board the prompt names.
      Environment.set("OPENSTARRY_SOCKET", remote.socket)
      status = try remote.call("daemon.status")
    } catch {
      try terminal.line("openstarry console\n\(error)\nType 'help' for the commands, 'exit' to leave.")
      return "openstarry"
    }
    let board = status["board"]?.string?.printable ?? "openstarry"
    try terminal.line(
      "openstarry console: \(board)\n\(Self.summary(status))\nType 'help' for the commands, 'exit' to leave.")
    return board
  }

  /// A line that summarises `daemon.status`.
  static func summary(_ status: Value) -> String {
    func number(_ value: Value?) -> String { value?.text() ?? "-" }
    return "\(number(status["devices"])) devices, \(number(status["agents"]?["running"])) of "
      + "\(number(status["agents"]?["registered"])) agents running, \(number(status["rules"])) rules"
  }

  private func prompt(_ board: String, _ terminal: Terminal) throws {
    try terminal.write(Array("\(board)> ".utf8))
  }

  /// Carries out one line.
  /// - Returns: false to leave the console.
  private func carryOut(_ input: LineAssembler.Input, _ terminal: Terminal) throws -> Bool {
    guard case .line(let line) = input else {
      try terminal.line("that line is longer than \(LineAssembler.limit) bytes; nothing was done")
      return true
    }
    guard var words = Words.split(line) else {
      try terminal.line("a quote is not closed; nothing was done")
      return true
    }
    // Accept the whole command, which people type by habit.
    if words.first == "openstarry" { words.removeFirst() }
    switch words.first {
    case nil: break
    case "exit", "quit", "logout": return false
    case "console": try terminal.line("this is the console")
    case "help" where words.count == 1: try terminal.line(Self.help)
    case _? where Self.isForShells(words):
      let command = words.prefix(words[0] == AgentCommands._commandName ? 2 : 1).joined(separator: " ")
      let isChat = command == Chat._commandName
      try terminal.line(
        isChat
          ? "say what you want to say on the same line: chat AGENT MESSAGE"
          : "'\(command.printable)' works with files: it is available in a shell, not in the console")
    default:
      do { _ = try ChildProgram.runSelf(words) } catch { try terminal.line("\(error)") }
    }
    return true
  }

  /// The commands of the console. The others work with files of this machine, which a person at a serial line must not
  /// reach.
  static let commands: [any ParsableCommand.Type] = [
    Status.self, Events.self, Why.self, State.self, History.self, Devices.self, Read.self, EmergencyStop.self,
    SetActuator.self, GiveUp.self, Approvals.self, Approve.self, Deny.self, Acknowledge.self, Simulate.self,
    ProcessList.self, BudgetList.self, Logs.self, Spawn.self, Kill.self,
    Restart.self, Wake.self, Unregister.self, Emit.self, RuleCommands.self, Expression.self, DaemonCommands.self,
    Version.self, DoctorCommand.self, Chat.self, TranscriptOf.self, Tokens.self, Models.self, Messages.self,
  ]

  /// Those of `agent`.
  private static let agentCommands: [any ParsableCommand.Type] = [
    AgentCommands.AgentList.self, AgentCommands.Inspect.self, AgentCommands.Remove.self, AgentCommands.Enable.self,
    AgentCommands.Disable.self,
  ]

  /// Whether the command exists, but not in the console.
  static func isForShells(_ words: [String]) -> Bool {
    func names(_ commands: [any ParsableCommand.Type]) -> [String] { commands.map { $0._commandName } }
    guard let name = words.first, names(OpenStarry.configuration.subcommands).contains(name) else { return false }
    if name == AgentCommands._commandName, words.count > 1 { return !names(agentCommands).contains(words[1]) }
    // Without a message it would read the console's own lines.
    if name == Chat._commandName { return words.filter { !$0.hasPrefix("-") }.count < 3 }
    if name == DoctorCommand._commandName {
      return words.contains { $0.hasPrefix("--bundle") || $0.hasPrefix("--config") }
    }
    return !names(commands).contains(name)
  }

  static let help = """
    status                   show the state of the daemon
    doctor                   examine limits, devices and board, and say what to do
    ps                       list agents
    devices                  list devices and their holders
    read SENSOR              measure
    set ACTUATOR on --for 5s command an actuator; also 'off', '40%', 'pulse:500ms'
    release ACTUATOR         give up your hold on it
    estop                    emergency stop: everything safe, agents paused; 'estop --clear' ends it
    events, events --follow  list past events, follow new ones; Ctrl-C ends it
    why ACTUATOR             show the cause of its last change
    chat AGENT MESSAGE       talk to an agent that thinks
    logs AGENT               show an agent's log
    agent disable AGENT      keep an agent from running, as an admin; 'agent enable AGENT' ends that
    help COMMAND             describe a command; '--help' lists all commands
    exit                     leave
    """
}
