import ArgumentParser
import Linux
import Model

struct Console: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes commands line by line, for a serial line or any other place without a shell.",
    discussion: """
      Each line is a command of openstarry without its name, e.g. 'read temperature'; those that work with files \
      are not there. 'help' lists them, Ctrl-C ends the one that runs, 'exit' or Ctrl-D leaves. It moves no cursor \
      and uses no colours: any terminal will do.
      """)
  @OptionGroup var shared: SharedOptions

  func run() throws {
    // The commands' own processes know that this terminal is not to be painted.
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

  /// - Returns: the board's name, for the prompt.
  private func greet(_ terminal: Terminal) throws -> String {
    let status: Value
    do {
      let remote = try shared.connect(timeout: .seconds(10))
      // The board that the prompt names is the one that is commanded.
      Environment.set("OPENSTARRY_SOCKET", remote.socket)
      status = try remote.call("daemon.status")
    } catch {
      try terminal.line("openstarry console\n\(error)\nType 'help' for what can be done here, 'exit' to leave.")
      return "openstarry"
    }
    let board = status["board"]?.string?.printable ?? "openstarry"
    try terminal.line(
      "openstarry console: \(board)\n\(Self.summary(status))\nType 'help' for what can be done here, 'exit' to leave.")
    return board
  }

  /// One line of `daemon.status`.
  static func summary(_ status: Value) -> String {
    func number(_ value: Value?) -> String { value?.text() ?? "-" }
    return "\(number(status["devices"])) devices, \(number(status["agents"]?["running"])) of "
      + "\(number(status["agents"]?["registered"])) agents running, \(number(status["rules"])) rules"
  }

  private func prompt(_ board: String, _ terminal: Terminal) throws {
    try terminal.write(Array("\(board)> ".utf8))
  }

  /// - Returns: whether to go on.
  private func carryOut(_ input: LineAssembler.Input, _ terminal: Terminal) throws -> Bool {
    guard case .line(let line) = input else {
      try terminal.line("that line is longer than \(LineAssembler.limit) bytes; nothing was done")
      return true
    }
    guard var words = Words.split(line) else {
      try terminal.line("a quote is not closed; nothing was done")
      return true
    }
    // People type the whole command by habit.
    if words.first == "openstarry" { words.removeFirst() }
    switch words.first {
    case nil: break
    case "exit", "quit", "logout": return false
    case "console": try terminal.line("this is the console")
    case "help" where words.count == 1: try terminal.line(Self.help)
    case let command? where Self.isForShells(command):
      try terminal.line("'\(command.printable)' works with files: it is for a shell, not for the console")
    default:
      do { _ = try ChildProgram.runSelf(words) } catch { try terminal.line("\(error)") }
    }
    return true
  }

  /// What looks and acts. All else works with files of this machine, which whoever is at a serial line has no business with.
  static let commands: [any ParsableCommand.Type] = [
    Status.self, Events.self, Why.self, State.self, History.self, Devices.self, Read.self, EmergencyStop.self,
    SetActuator.self, GiveUp.self, Simulate.self, ProcessList.self, BudgetList.self, Logs.self, Spawn.self, Kill.self,
    Restart.self, Wake.self, Unregister.self, Emit.self, RuleCommands.self, Expression.self, DaemonCommands.self,
    Version.self,
  ]

  /// Whether there is such a command, and not here.
  static func isForShells(_ name: String) -> Bool {
    func names(_ commands: [any ParsableCommand.Type]) -> [String] { commands.map { $0._commandName } }
    return names(OpenStarry.configuration.subcommands).contains(name) && !names(commands).contains(name)
  }

  static let help = """
    status                   the daemon at a glance
    ps                       agents
    devices                  the hardware, who holds what
    read SENSOR              measure
    set ACTUATOR on --for 5s act; 'off', '40%', 'pulse:500ms' too
    release ACTUATOR         give it up
    estop                    emergency stop: everything safe, agents paused; 'estop --clear' ends it
    events, events --follow  what happened, what happens; Ctrl-C ends it
    why ACTUATOR             what led to its last change
    logs AGENT               what an agent has logged
    help COMMAND             everything about a command; 'help --help' or '--help' for all of them
    exit                     leave
    """
}
