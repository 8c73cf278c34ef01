import Linux
import Model

/// Where the daemon's socket is, when the command line does not say.
public enum SocketPath {
  /// The first of: `given`; `$OPENSTARRY_SOCKET`; and, of those below that are there, `./.openstarry/control.sock`,
  /// `/run/openstarry/control.sock`, `$XDG_RUNTIME_DIR/openstarry/control.sock`,
  /// `~/.openstarry/sockets/control.sock`. When none is there, the one the system service would use.
  /// - Parameters:
  ///   - given: what `--socket` says.
  ///   - environment: variables; an empty one counts as not set.
  ///   - isThere: whether a path exists.
  public static func find(
    given: String?, environment: [String: String] = Environment.current(), isThere: (String) -> Bool = Files.exists
  ) -> String {
    let variables = environment.filter { !$0.value.isEmpty }
    if let path = given ?? variables["OPENSTARRY_SOCKET"] { return path }
    return candidates(variables).first(where: isThere) ?? system
  }

  /// Where the system service has it.
  public static let system = "/run/openstarry/control.sock"

  private static func candidates(_ variables: [String: String]) -> [String] {
    var paths = [".openstarry/control.sock", system]
    if let folder = variables["XDG_RUNTIME_DIR"] { paths.append("\(folder)/openstarry/control.sock") }
    if let home = variables["HOME"] { paths.append("\(home)/.openstarry/sockets/control.sock") }
    return paths
  }
}
