import Model

/// Which board was moved.
public enum BoardText {
  /// `board 'greenhouse' (socket /run/openstarry/control.sock)`.
  /// - Parameter result: of a method that moves hardware, with `socket`; the name is missing in what daemons before 0.2
  ///   answer.
  public static func line(_ result: Value) -> String {
    let socket = result["socket"]?.string?.printable ?? "-"
    return result["board"]?.string.map { "board '\($0.printable)' (socket \(socket))" } ?? "socket \(socket)"
  }
}
