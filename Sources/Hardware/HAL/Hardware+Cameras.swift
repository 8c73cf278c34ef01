import Model

/// Names a stream of frames until it is ended.
public struct StreamID: Hashable, Sendable {
  let device: DeviceID
  let number: UInt64
}

extension Hardware {
  /// Watches a camera; it runs only while somebody does.
  ///
  /// Each watcher has room for one frame. While it is not ready, newer frames replace the one that waits, and the
  /// replaced ones are counted (`droppedFrames`).
  /// - Parameters:
  ///   - maxRate: frames a second at most; nil takes all.
  ///   - onFrame: called on the loop's thread. Returns whether it can take another one at once; after false nothing
  ///     comes until `ready`.
  /// - Throws: `notFound`, `denied`, or why the camera could not be opened.
  public func getCameraStream(
    _ id: DeviceID, as principal: Principal, maxRate: Double? = nil, onFrame: @escaping (Frame) -> Bool
  ) throws(HALError) -> StreamID {
    let channel = try camera(id, "watch", principal)
    var interval = Duration.zero
    if let maxRate {
      guard maxRate > 0, maxRate.isFinite else { throw .invalid(id, "a rate is more than 0 frames a second") }
      interval = .nanoseconds(Int64(min(1e9 / maxRate, 3600e9)))
    }
    let stream = StreamID(device: id, number: number())
    try channel.watch(stream.number, CameraWatcher(holder: principal.name, interval: interval, onFrame: onFrame))
    return stream
  }

  /// The watcher can take the next frame; one that waits is handed over within this call.
  public func ready(_ stream: StreamID) { watcher(stream)?.ready() }

  /// How many frames the watcher was too slow for.
  public func droppedFrames(_ stream: StreamID) -> UInt64 { watcher(stream)?.dropped ?? 0 }

  /// Ends a stream; no frame follows. Does nothing the second time.
  public func endStream(_ stream: StreamID) {
    if case .camera(let channel) = channels[stream.device] { channel.unwatch(stream.number) }
  }

  /// Takes a picture: the camera is started when needed, and whoever asks before the frame comes shares it.
  /// - Parameter done: called once with a JPEG, or `notFound`, `denied`, `failed` (nothing within 5 s, or unplugged).
  public func snapshot(
    _ id: DeviceID, as principal: Principal, _ done: @escaping (Result<[UInt8], HALError>) -> Void
  ) {
    do throws(HALError) {
      try camera(id, "see", principal).snapshot(done)
    } catch {
      done(.failure(error))
    }
  }

  /// The newest picture, for callers that must not wait.
  /// - Returns: a JPEG not older than 5 s.
  /// - Throws: `unavailable` when there is none: one has then been asked for, and `camera:snapshot` {device, bytes} is
  ///   published when it is there. `notFound`, `denied`, `failed` as for `snapshot`.
  public func latestJPEG(_ id: DeviceID, as principal: Principal) throws(HALError) -> [UInt8] {
    try camera(id, "see", principal).latestJPEG()
  }

  /// The newest picture in grey, scaled down, for callers that must not wait. While nobody watches, the camera runs
  /// small and grey for it, as for motion.
  /// - Parameters:
  ///   - width: in pixels, from 1 to the thumbnail's.
  ///   - height: in pixels, from 1 to the thumbnail's.
  /// - Returns: a picture of exactly that size, not older than 5 s.
  /// - Throws: `unavailable` when there is none: one has then been asked for, and `camera:frame` {device, width, height}
  ///   is published when it is there. `limited` when there are fewer pixels; `invalid`, `notFound`, `denied`, `failed`.
  public func latestGrey(
    _ id: DeviceID, width: Int, height: Int, as principal: Principal
  ) throws(HALError) -> Thumbnail {
    let channel = try camera(id, "see", principal)
    guard width > 0, height > 0 else { throw .invalid(id, "a picture is at least 1 pixel wide and high") }
    let newest = try channel.latestThumbnail()
    guard let picture = newest.scaled(width: width, height: height) else {
      throw .limited(
        id, rule: "its size",
        detail: "the grey picture has \(newest.width) × \(newest.height) pixels, fewer than \(width) × \(height)",
        retryAfter: nil)
    }
    return picture
  }

  private func camera(_ id: DeviceID, _ operation: String, _ principal: Principal) throws(HALError) -> CameraChannel {
    guard case .camera(let channel) = channels[id] else { throw notFound(id, "camera") }
    try check(principal.permissions.cameras, id, operation, principal)
    return channel
  }

  private func watcher(_ stream: StreamID) -> CameraWatcher? {
    if case .camera(let channel) = channels[stream.device] { channel.watcher(stream.number) } else { nil }
  }
}
