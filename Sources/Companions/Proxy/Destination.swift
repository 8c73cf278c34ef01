/// Where an agent wants to connect to.
package struct Destination: Equatable, Sendable {
  /// A name or an address.
  package enum Host: Equatable, Sendable {
    /// In lower case, without a dot at the end.
    case name([UInt8])
    case address(IPAddress)
  }

  /// The name or address.
  package var host: Host
  /// From 1 to 65535.
  package var port: UInt16

  /// A destination.
  package init(_ host: Host, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads `host:port`, as in a URL: IPv6 in brackets.
  /// - Parameter standard: the port without `:port`; nil where a port is required.
  package init?(_ text: [UInt8], standard: UInt16? = nil) {
    guard let (host, port) = Self.split(text), let read = Self.host(host, isBracketed: text.first == 0x5B) else {
      return nil
    }
    guard let port = port ?? standard else { return nil }
    self.init(read, port: port)
  }

  /// Reads a host without a port: the name, or the address, with IPv6 as it is.
  package static func host(_ text: [UInt8]) -> Host? {
    if let address = IPAddress(text) { return .address(address) }
    return name(text).map { .name($0) }
  }

  private static func host(_ text: [UInt8], isBracketed: Bool) -> Host? {
    guard isBracketed else { return host(text) }
    guard let address = IPAddress(text), address.bytes.count == 16 else { return nil }
    return .address(address)
  }

  /// Splits a host from its port, which is from 1 to 65535; the brackets are gone. Without brackets a host has no colon.
  static func split(_ text: [UInt8]) -> (host: [UInt8], port: UInt16?)? {
    var end = 0
    var host: [UInt8]
    if text.first == 0x5B {
      guard let bracket = text.firstIndex(of: 0x5D) else { return nil }
      host = [UInt8](text[1..<bracket])
      end = bracket + 1
    } else {
      end = text.firstIndex(of: 0x3A) ?? text.count
      host = [UInt8](text[..<end])
    }
    guard end < text.count else { return (host, nil) }
    guard text[end] == 0x3A, let port = IPAddress.decimal([UInt8](text[(end + 1)...]), most: 65_535), port > 0 else {
      return nil
    }
    return (host, UInt16(port))
  }

  /// A name of the Domain Name System (RFC 1123, 2.1, and underscores) in lower case. One whose last label is a number
  /// is none: the C library would read an address in it.
  package static func name(_ text: [UInt8]) -> [UInt8]? {
    var text = text
    if text.last == 0x2E { text.removeLast() }
    guard (1...253).contains(text.count) else { return nil }
    var name: [UInt8] = []
    var label = 0
    for (index, byte) in text.enumerated() {
      switch byte {
      case 0x2E:
        guard label > 0, text[index - 1] != 0x2D else { return nil }
        label = -1
      case 0x2D: guard label > 0 else { return nil }
      case 0x30...0x39, 0x61...0x7A, 0x5F: break
      case 0x41...0x5A: break
      default: return nil
      }
      name.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
      label += 1
      guard label <= 63 else { return nil }
    }
    guard label > 0, name.last != 0x2D else { return nil }
    return isNumber(name[(name.count - label)...]) ? nil : name
  }

  private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
    let isHexadecimal = label.count >= 2 && label.first == 0x30 && label[label.startIndex + 1] == 0x78
    if isHexadecimal { return true }
    for byte in label where byte < 0x30 || byte > 0x39 { return false }
    return true
  }

  /// The host as text, IPv6 in brackets.
  package var hostText: [UInt8] {
    switch host {
    case .name(let name): name
    case .address(let address): address.bytes.count == 16 ? [0x5B] + address.text + [0x5D] : address.text
    }
  }

  /// `host:port`.
  package var text: [UInt8] { hostText + [0x3A] + [UInt8](digits: UInt64(port)) }
}
