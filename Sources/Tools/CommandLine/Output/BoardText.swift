import Model

/// The line that names the commanded board.
package enum BoardText {
  /// `board 'greenhouse' (socket /run/openstarry/control.sock)`, or only the socket for daemons before 0.2.
  /// - Parameter result: the result of a method that moves hardware, with `socket` added.
  package static func line(_ result: Value) -> String {
    let socket = result["socket"]?.string?.printable ?? "-"
    return result["board"]?.string.map { "board '\($0.printable)' (socket \(socket))" } ?? "socket \(socket)"
  }
}
