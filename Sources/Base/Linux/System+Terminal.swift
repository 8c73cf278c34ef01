import Glibc

extension System {
  /// Whether a descriptor is a terminal (isatty(3)).
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }
}
