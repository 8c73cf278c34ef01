import Linux
import Model

/// Which socket a command uses.
public enum SocketPath: Sendable, Hashable {
  /// Somebody has named it: `--socket`, or `$OPENSTARRY_SOCKET`.
  case named(String)
  /// Nobody has: those of these at which a daemon answers, the first one first.
  case searched([String])

  /// Where the system service has it.
  public static let system = "/run/openstarry/control.sock"

  /// What the command line and the environment say. Searched are `./.openstarry/control.sock`,
  /// `/run/openstarry/control.sock`, `$XDG_RUNTIME_DIR/openstarry/control.sock`,
  /// `~/.openstarry/sockets/control.sock`.
  /// - Parameters:
  ///   - given: what `--socket` says.
  ///   - environment: variables; an empty one counts as not set.
  public init(given: String?, environment: [String: String] = Environment.current()) {
    let variables = environment.filter { !$0.value.isEmpty }
    if let path = given ?? variables["OPENSTARRY_SOCKET"] {
      self = .named(path)
      return
    }
    var paths = [".openstarry/control.sock", Self.system]
    if let folder = variables["XDG_RUNTIME_DIR"] { paths.append("\(folder)/openstarry/control.sock") }
    if let home = variables["HOME"] { paths.append("\(home)/.openstarry/sockets/control.sock") }
    self = .searched(paths)
  }
}
