import OpenStarryAgent

/// Takes a picture when the camera detects motion, and emits an event about it.
///
/// If no picture is ready, `camera:snapshot` wakes this agent again when it is. Recordings are at least `pause` apart, so
/// that a tree in the wind does not cause a picture every second.
struct MotionRecorder: Agent {
  /// The shortest time between two recordings, in nanoseconds.
  static let pause: UInt64 = 5_000_000_000

  private var isWaiting = false
  private var lastRecording: UInt64?
  private var motions: Int64 = 0
  private var pictures: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    switch event.type {
    case "camera:motion":
      motions += 1
      if let last = lastRecording, event.monotonic < last + Self.pause { return }
    case "camera:snapshot" where isWaiting: break
    default: return
    }
    let camera = event["device"]?.string ?? "cam0"
    do throws(AgentError) {
      let picture = try context.snapshot(camera)
      isWaiting = false
      lastRecording = event.monotonic
      pictures += 1
      context.log("picture \(pictures) of \(camera): \(picture.count) bytes")
      try context.emit(
        "recorder:picture", ["camera": .string(camera), "bytes": .int(Int64(picture.count)), "number": .int(pictures)])
    } catch  where error.code == .unavailable {
      isWaiting = true
    }
  }

  func snapshot() -> Value { ["motions": .int(motions), "pictures": .int(pictures)] }
}
