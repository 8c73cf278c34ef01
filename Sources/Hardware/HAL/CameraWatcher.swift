import Model

/// One who watches a camera: a mailbox for a single frame, so that a slow reader loses old frames and holds up nobody.
final class CameraWatcher {
  let holder: String
  /// Frames that a newer one replaced before they were taken.
  private(set) var dropped: UInt64 = 0

  private let interval: Duration
  private let onFrame: (Frame) -> Bool
  private var isReady = true
  private var isDelivering = false
  private var pending: Frame?
  private var last: Instant?

  init(holder: String, interval: Duration, onFrame: @escaping (Frame) -> Bool) {
    self.holder = holder
    self.interval = interval
    self.onFrame = onFrame
  }

  func offer(_ frame: Frame) {
    // A tenth of tolerance: a camera's pace is never exact, and half the frames must not be lost to that.
    if let last, frame.time - last < interval * 9 / 10 { return }
    last = frame.time
    guard isReady, !isDelivering else {
      if pending != nil { dropped += 1 }
      pending = frame
      return
    }
    deliver(frame)
  }

  /// It can take the next one.
  func ready() {
    isReady = true
    guard !isDelivering, let frame = pending else { return }
    pending = nil
    deliver(frame)
  }

  private func deliver(_ frame: Frame) {
    isDelivering = true
    isReady = false
    let canTakeMore = onFrame(frame)
    isDelivering = false
    if canTakeMore || isReady { ready() }
  }
}
