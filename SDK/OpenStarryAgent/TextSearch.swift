#if hasFeature(Embedded)
  internal import COpenStarry
#else
  import Glibc
#endif

extension String {
  /// Whether both have the same bytes. Swift's own `==` normalises text that is not ASCII (Unicode 16, UAX #15), which can
  /// take very long for hostile text.
  public func isSame(as other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    var (left, right) = (self, other)
    return left.withUTF8 { left in right.withUTF8 { unsafe left.isSame(as: $0) } }
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether both have the same bytes.
  func isSame(as other: Self) -> Bool {
    guard count == other.count else { return false }
    guard let left = baseAddress, let right = other.baseAddress else { return true }
    // SAFETY: both have `count` bytes. memcmp(3) compares words; a loop in Swift costs ten times the instructions.
    return unsafe memcmp(left, right, count) == 0
  }

  /// Whether one of the bytes is zero.
  var holdsZero: Bool {
    guard let start = baseAddress else { return false }
    // SAFETY: there are `count` bytes.
    return unsafe memchr(start, 0, count) != nil
  }
}

extension StringProtocol {
  /// Whether it contains `text`, compared byte by byte.
  ///
  /// The standard library's `contains` would link the regular expression engine: 1.3 MB in the daemon.
  public func holds(_ text: String) -> Bool {
    var rest = Substring(self).utf8
    let wanted = text.utf8
    while rest.count >= wanted.count {
      if rest.starts(with: wanted) { return true }
      rest = rest.dropFirst()
    }
    return false
  }
}
