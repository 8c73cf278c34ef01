/// How messages go to an MCP server and come back.
protocol ServerTransport: AnyObject {
  /// Whether the server can be talked to.
  var isOpen: Bool { get }

  /// Starts the server, if that is the client's task.
  func open() throws(TransportFailure)

  /// Ends the connection, and a server that was started.
  func close()

  /// Sends a message.
  /// - Parameter deadline: on the monotonic clock, in nanoseconds.
  func send(_ message: ClientMessage, until deadline: UInt64) throws(TransportFailure)

  /// The next message of the server, in the order in which they come.
  /// - Parameter deadline: on the monotonic clock, in nanoseconds.
  /// - Returns: JSON.
  func receive(until deadline: UInt64) throws(TransportFailure) -> [UInt8]
}

/// A message to an MCP server: JSON-RPC 2.0, and what HTTP says of it in the head.
struct ClientMessage {
  /// JSON in one line.
  var text: [UInt8]
  /// The method of a request or a notification; empty for an answer.
  var method = ""
  /// Whether the server answers it with a message.
  var isRequest = false
  /// The tool that it calls; empty for none.
  var tool = ""
  /// The protocol's revision; nil before one is agreed on.
  var revision: String?
}

/// Why a message could not be sent or received.
enum TransportFailure: Error {
  /// The deadline has passed. A late answer is still possible.
  case late
  /// The server has answered with an error of HTTP.
  case refused(code: Int64, String)
  /// The connection is of no use any more. What has happened, as the rest of a sentence that begins with the server.
  case ended(String)
}
