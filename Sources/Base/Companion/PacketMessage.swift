/// A message of a protocol with one message per packet (unix(7), SOCK_SEQPACKET).
package protocol PacketMessage {
  /// The longest message, in bytes.
  static var longest: Int { get }

  /// The message as one packet.
  var bytes: [UInt8] { get }

  /// Reads a packet; nil for a malformed or truncated one, or an unknown kind.
  init?(_ bytes: [UInt8])
}
