import Linux
import Model

/// The socket that a command uses.
package enum SocketPath: Sendable, Hashable {
  /// Given by `--socket` or `$OPENSTARRY_SOCKET`.
  case named(String)
  /// The candidates when none is given, in order of preference.
  case searched([String])

  /// The socket of the system service.
  package static let system = "/run/openstarry/control.sock"

  /// Determines the socket from the command line and the environment. The candidates are `./.openstarry/control.sock`,
  /// `/run/openstarry/control.sock`, `$XDG_RUNTIME_DIR/openstarry/control.sock` and
  /// `~/.openstarry/sockets/control.sock`.
  /// - Parameters:
  ///   - given: the value of `--socket`; nil if it is not given.
  ///   - environment: the variables; an empty one counts as unset.
  package init(given: String?, environment: [String: String] = Environment.current()) {
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
