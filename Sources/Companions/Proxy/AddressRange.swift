extension IPAddress {
  /// Whether the address belongs to the public Internet. Others lead to this machine, its network, a provider's network,
  /// or to many machines: the IPv4 and IPv6 Special-Purpose Address Registries of IANA (RFC 6890) and multicast.
  ///
  /// IPv6 is the other way round: only what has been assigned (2000::/3), without the blocks that lead elsewhere.
  package var isPublic: Bool {
    if bytes.count == 4 { return !Self.isSpecial(bytes) }
    // Translated to IPv4 by the network (RFC 6052): as public as the address in it.
    if has([0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0], 96) { return !Self.isSpecial([UInt8](bytes[12...])) }
    guard has([0x20], 3) else { return false }
    for (start, length) in Self.specialSix where has(start, length) { return false }
    return true
  }

  /// Whether it contains an address of IPv4, `::ffff:192.0.2.1` (RFC 4291, 2.5.5.2).
  package var isMapped: Bool { has([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96) }

  private static func isSpecial(_ bytes: [UInt8]) -> Bool {
    guard let address = IPAddress(bytes: bytes) else { return true }
    for (start, length) in specialFour where address.has(start, length) { return true }
    return false
  }

  /// Whether the first bits are those of `start`.
  private func has(_ start: [UInt8], _ length: Int) -> Bool {
    guard length <= bytes.count * 8 else { return false }
    for bit in 0..<length {
      let mask: UInt8 = 0x80 >> UInt8(bit % 8)
      if bytes[bit / 8] & mask != start[bit / 8] & mask { return false }
    }
    return true
  }

  private static var specialFour: [([UInt8], Int)] {
    [
      ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
      ([192, 0, 2], 24), ([192, 88, 99], 24), ([192, 168], 16), ([198, 18], 15), ([198, 51, 100], 24),
      ([203, 0, 113], 24),
      // Multicast, reserved, broadcast.
      ([224], 4), ([240], 4),
    ]
  }

  private static var specialSix: [([UInt8], Int)] {
    [
      // Protocols, among them Teredo; documentation; 6to4, which contains addresses of IPv4.
      ([0x20, 0x01, 0x00], 23), ([0x20, 0x01, 0x0D, 0xB8], 32), ([0x20, 0x02], 16), ([0x3F, 0xFF, 0x00], 20),
    ]
  }
}
