#if !hasFeature(Embedded)
  import Companion
  import Guardian
#endif

typealias GuardianPacket = Packet<GuardianMessage>

extension LineText {
  /// Begins a line of the guardian.
  init(guardian text: StaticString) {
    self.init(program: "openstarry-guardian")
    add(text)
  }

  /// Begins a line with untrusted text, such as a device's id.
  init(guardian text: [UInt8], level: UInt8) {
    self.init(program: "openstarry-guardian", level: level)
    add(text)
  }
}
