#if !hasFeature(Embedded)
  import Companion
#endif

/// The bytes of a literal.
func text(_ literal: StaticString) -> [UInt8] { [UInt8](literal) }
