import Model

/// Identifies a stream of frames until `endStream`.
package struct StreamID: Hashable, Sendable {
  let device: DeviceID
  let number: UInt64
}

extension Hardware {
  /// Watches a camera, which streams only while it is used.
  ///
  /// Each watcher buffers one frame. While it is not ready, a newer frame replaces the buffered one, which counts as
  /// dropped (`droppedFrames`).
  /// - Parameters:
  ///   - maxRate: frames per second at most; nil for no limit.
  ///   - onFrame: called on the loop's thread. Returns whether it can take another frame at once; after false it is not
  ///     called until `ready`.
  /// - Throws: `notFound`, `denied`, or why the camera could not be opened.
  package func getCameraStream(
    _ id: DeviceID, as principal: Principal, maxRate: Double? = nil, onFrame: @escaping (Frame) -> Bool
  ) throws(HALError) -> StreamID {
    let channel = try camera(id, "watch", principal)
    var interval = Duration.zero
    if let maxRate {
      guard maxRate > 0, maxRate.isFinite else { throw .invalid(id, "a rate must be more than 0 frames per second") }
      interval = .nanoseconds(Int64(min(1e9 / maxRate, 3600e9)))
    }
    let stream = StreamID(device: id, number: number())
    try channel.watch(stream.number, CameraWatcher(holder: principal.name, interval: interval, onFrame: onFrame))
    return stream
  }

  /// Notes that the watcher can take the next frame; a buffered one is delivered within this call.
  package func ready(_ stream: StreamID) { watcher(stream)?.ready() }

  /// Frames dropped because the watcher was too slow; 0 after the end of the stream.
  package func droppedFrames(_ stream: StreamID) -> UInt64 { watcher(stream)?.dropped ?? 0 }

  /// Ends a stream; no frame follows. Does nothing when it has ended already.
  package func endStream(_ stream: StreamID) {
    if case .camera(let channel) = channels[stream.device] { channel.unwatch(stream.number) }
  }

  /// Takes a picture. Starts the camera if needed; callers that wait at the same time share the frame.
  /// - Parameter done: called once with a JPEG, or `notFound`, `denied`, `failed` (nothing within 5 s, or unplugged).
  package func snapshot(
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
  /// - Throws: `unavailable` when there is none: a picture is then requested, and `camera:snapshot` {device, bytes} is
  ///   published when it is ready. `notFound`, `denied`, `failed` as for `snapshot`.
  package func latestJPEG(_ id: DeviceID, as principal: Principal) throws(HALError) -> [UInt8] {
    try camera(id, "see", principal).latestJPEG()
  }

  /// The newest picture in grey, scaled down, for callers that must not wait. Without watchers the camera streams small
  /// grey pictures for it, as for motion.
  /// - Parameters:
  ///   - width: in pixels, at least 1 and at most the thumbnail's width.
  ///   - height: in pixels, at least 1 and at most the thumbnail's height.
  /// - Returns: a picture of exactly that size, not older than 5 s.
  /// - Throws: `unavailable` when there is none: a picture is then requested, and `camera:frame` {device, width,
  ///   height} is published when it is ready. `limited` when the thumbnail is smaller; `invalid`, `notFound`, `denied`,
  ///   `failed`.
  package func latestGrey(
    _ id: DeviceID, width: Int, height: Int, as principal: Principal
  ) throws(HALError) -> Thumbnail {
    let channel = try camera(id, "see", principal)
    guard width > 0, height > 0 else { throw .invalid(id, "a picture must be at least 1 pixel wide and high") }
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
