import Model

/// A subscriber to a camera's frames: a mailbox for one frame. A slow reader loses old frames and delays nobody else.
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
    // Tolerate 10 % of jitter: at equal rates, a frame that is slightly early would be dropped, up to every second one.
    if let last, frame.time - last < interval * 9 / 10 { return }
    last = frame.time
    guard isReady, !isDelivering else {
      if pending != nil { dropped += 1 }
      pending = frame
      return
    }
    deliver(frame)
  }

  /// The reader can take the next frame: delivers a pending one at once.
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
