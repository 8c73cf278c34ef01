import ArgumentParser
import Glibc
import Linux
import Model

struct MCPCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mcp", abstract: "Serves the board to a language model's program, as an MCP server over stdio.",
    discussion: """
      A program that runs a model starts this command and speaks MCP with it over standard input and output. What it may \
      do is bounded by these options, which the daemon holds it to, and by the limits of the board file. Its leases end \
      when it does.
      """)
  @OptionGroup var shared: SharedOptions

  @Option(help: "What it may do at most: view (read only) or operate (command actuators and publish events, too).")
  var role = Role.operate

  @Option(
    help: ArgumentHelp(
      "The devices that it may know of: an id or a pattern such as 'fan*', several with commas between them; by default "
        + "all.", valueName: "patterns"),
    transform: { text in
      let patterns = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard patterns.count <= 64, patterns.allSatisfy({ !$0.isEmpty && Name($0).isShort }) else {
        throw ValidationError("'\(text)' is no list of patterns such as fan,temp*")
      }
      return patterns
    })
  var devices: [String] = ["*"]

  @Option(
    help: ArgumentHelp("How many requests a second it may send to the daemon, 1/s to 100/s.", valueName: "rate"),
    transform: { text in
      let digits = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
      guard let rate = Int64(digits), (1...100).contains(rate) else {
        throw ValidationError("'\(text)' is no rate from 1/s to 100/s")
      }
      return rate
    })
  var rate: Int64 = 20

  enum Role: String, ExpressibleByArgument, CaseIterable {
    case view, operate
  }

  func run() throws {
    // A model's program that is root could do without this server whatever it likes.
    guard geteuid() != 0 else {
      throw Failure(
        .denied,
        "an MCP server does not run as root, which may do everything: start it as a user of its own, who is in the group "
          + "that may operate and in no other")
    }
    let path = SocketPath(given: shared.socket)
    // Finds the daemon, and says what is wrong where there is none.
    let socket = try DaemonSearch(path, onlyFirst: true, timeout: .seconds(5)).first().socket
    let program = MCPProgram(
      socket: socket, isNamed: path == .named(socket), role: role.rawValue, devices: devices, rate: rate)
    do throws(SystemError) { try SameProgram.begin(program.arguments) } catch { throw Failure(.failed, "\(error)") }
  }
}
