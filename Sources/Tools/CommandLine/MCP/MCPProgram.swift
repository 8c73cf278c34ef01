import EventLoop
import Footprint
import Linux
import MCPServer
import Model

/// The server that `openstarry mcp` becomes: the same program, begun again without what reading a command line takes,
/// which is more memory than all the rest.
package struct MCPProgram: Equatable {
  /// The daemon's socket.
  var socket: String
  /// Whether the user has named the socket, whoever owns it.
  var isNamed: Bool
  /// `view` or `operate`.
  var role: String
  /// Patterns.
  var devices: [String]
  /// Requests a second.
  var rate: Int64

  private static let word = "--mcp-server"

  init(socket: String, isNamed: Bool, role: String, devices: [String], rate: Int64) {
    self.socket = socket
    self.isNamed = isNamed
    self.role = role
    self.devices = devices
    self.rate = rate
  }

  /// The arguments that ask for it, without the program's name.
  var arguments: [String] { [Self.word, socket, isNamed ? "named" : "found", role, "\(rate)"] + devices }

  /// Reads `arguments`; nil for others.
  init?(_ arguments: [String]) {
    guard arguments.count > 5, arguments[0] == Self.word, let rate = Int64(arguments[4]) else { return nil }
    self.init(
      socket: arguments[1], isNamed: arguments[2] == "named", role: arguments[3], devices: Array(arguments[5...]),
      rate: rate)
  }

  /// Serves, if the arguments ask for that.
  /// - Parameter arguments: the program's arguments, including its name.
  /// - Returns: the exit code; nil if the arguments ask for something else.
  package static func runIfAsked(_ arguments: [String]) -> Int32? {
    guard let program = MCPProgram(Array(arguments.dropFirst())) else { return nil }
    Footprint.prepare()
    Interrupt.ignoreBrokenPipes()
    do throws(Failure) { try program.run() } catch {
      Terminal.complain("\(error)")
      return error.status.rawValue
    }
    return ShellStatus.done.rawValue
  }

  private func run() throws(Failure) {
    let bounds: Fields = [
      "role": .string(role), "devices": .list(devices.map { .string($0) }), "rate": .int(rate),
    ]
    let loop: EventLoop
    do throws(SystemError) { loop = try EventLoop() } catch { throw Failure(.failed, "\(error)") }
    let board = DaemonBoard(socket, isNamed: isNamed, bounds, on: loop)
    try board.open()
    let server = BoardServer(board, version: Release.version)
    board.onOtherCatalogue = { [unowned server] in server.catalogueChanged() }
    loop.schedule(after: .seconds(1)) { Footprint.settle() }
    try StdioTransport(server, on: loop).run()
  }
}
