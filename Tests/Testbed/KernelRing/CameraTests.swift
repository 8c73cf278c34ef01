import HAL
import HALLinux
import KernelTestKit
import Model

// Cameras: format negotiation, frame rate, unplugging.
extension RingTests {
  static var cameras: [RingTest] {
    [
      RingTest("camera: YUYV frames, measured") { ring in try frames(ring, .yuyv) },
      RingTest("camera: NV12 frames, measured") { ring in try frames(ring, .nv12) },
      RingTest("camera: RGB frames, measured") { ring in try frames(ring, .rgb24) },
      RingTest("camera: an unsupported format is negotiated to a supported one") { ring in try negotiates(ring) },
      RingTest("camera: a snapshot of each raw format decodes as JPEG") { ring in
        for pixels in [FrameFormat.PixelFormat.yuyv, .nv12, .rgb24, .grey] { try snapshot(ring, pixels) }
      },
      RingTest("camera: MJPEG passes through untouched") { ring in try compressed(ring) },
      RingTest("camera: a slow reader loses frames and does not delay others") { ring in try slowReader(ring) },
      RingTest("camera: it runs only while it is used") { ring in try onlyWhileWatched(ring) },
      RingTest("camera: unplugged while streaming it is lost, plugged in again it is back") { ring in
        try unplug(ring)
      },
    ]
  }

  static func camera(_ ring: Ring, _ pixels: FrameFormat.PixelFormat? = nil, _ id: DeviceID = "cam0") throws -> Stand {
    guard let device = ring.board.device(id) else { throw Skip("the board file has no device '\(id)'") }
    let path = device.options["path"]?.string ?? ""
    if !KernelFile.exists(path) { throw Skip("there is no \(path)") }
    return try Stand(ring.board, [id]) { device in
      guard let pixels, case .camera(var settings) = device.kind else { return }
      settings.format.pixels = pixels
      device.kind = .camera(settings)
    }
  }

  /// Captures a number of frames.
  static func watch(
    _ stand: Stand, _ id: DeviceID = "cam0", frames count: Int
  ) throws -> [(frame: Frame, arrival: Instant)] {
    var taken: [(Frame, Instant)] = []
    let stream = try stand.hardware.getCameraStream(id, as: Stand.everybody) { frame in
      taken.append((frame, stand.loop.now))
      return true
    }
    defer { stand.hardware.endStream(stream) }
    try stand.wait("\(count) frames", within: .seconds(60)) { taken.count >= count }
    return taken
  }

  private static func frames(_ ring: Ring, _ pixels: FrameFormat.PixelFormat) throws {
    let stand = try camera(ring, pixels)
    defer { stand.close() }
    let frames = try watch(stand, frames: 50)
    guard let first = frames.first, let last = frames.last else { throw Failure("no frames") }
    let format = first.frame.format
    if format.pixels != pixels {
      throw Skip("the camera has no \(pixels.rawValue), and chose \(format.pixels.rawValue)")
    }
    let size = format.width * format.height
    let bytes = [FrameFormat.PixelFormat.yuyv: 2 * size, .nv12: size * 3 / 2, .rgb24: 3 * size][pixels, default: 0]
    for (earlier, later) in zip(frames, frames.dropFirst()) {
      try expect(later.frame.bytes.count, is: bytes, "bytes of a frame")
      // vivid counts by the clock: if it is late, two frames may share a number and a time.
      let order = "frame \(later.frame.sequence) after \(earlier.frame.sequence)"
      try expect(later.frame.sequence >= earlier.frame.sequence, order)
      try expect(later.frame.time >= earlier.frame.time, "\(order): it is older")
      // vivid stamps a frame with its nominal completion time, which may be a period ahead.
      let ahead = later.frame.time - later.arrival
      try expect(ahead <= .seconds(1 / format.rate), "a frame is \(ahead.text) ahead of its time")
    }
    let thumbnail = try first.frame.thumbnail ?? { throw Failure("the frame has no thumbnail") }()
    try expect(thumbnail.width <= 160, "the thumbnail is \(thumbnail.width) pixels wide")
    let seconds = (last.arrival - first.arrival).seconds
    let dropped = Int(last.frame.sequence - first.frame.sequence) + 1 - frames.count
    let delays = LatencyDistribution(frames.map { UInt64(max(0, ($0.arrival - $0.frame.time).nanoseconds)) })
    ring.note(
      "\(format.pixels.rawValue) \(format.width)×\(format.height): \((Double(frames.count - 1) / seconds).text) "
        + "frames a second of \(format.rate.text) agreed, \(dropped) dropped; picture to reader \(delays.text)")
  }

  private static func negotiates(_ ring: Ring) throws {
    _ = try VirtualCamera()
    let stand = try camera(ring, .mjpeg)
    defer { stand.close() }
    let frame = try watch(stand, frames: 1)[0].frame
    try expect(frame.format.pixels != .mjpeg, "vivid has no MJPEG, and yet it gave some")
    try expect(frame.format.width, is: 640, "width")
    ring.note("asked for MJPG, got \(frame.format.pixels.rawValue)")
  }

  private static func snapshot(_ ring: Ring, _ pixels: FrameFormat.PixelFormat) throws {
    let stand = try camera(ring, pixels)
    defer { stand.close() }
    let start = stand.loop.now
    let jpeg = try stand.snapshot("cam0")
    let time = stand.loop.now - start
    let picture = try Picture(jpeg: jpeg)
    // Another camera may have other sizes and a static scene.
    if (try? VirtualCamera()) != nil {
      try expect(picture.width, is: 640, "width")
      try expect(picture.height, is: 480, "height")
      try expect(picture.contrast > 100, "the picture has a contrast of \(picture.contrast) only")
    }
    ring.note("\(pixels.rawValue), \(picture.width)×\(picture.height): \(jpeg.count) bytes after \(time.text)")
  }

  private static func compressed(_ ring: Ring) throws {
    guard let device = ring.board.device("cam1"), let path = device.options["path"]?.string else {
      throw Skip("the board file has no device 'cam1'")
    }
    let feed = try LoopbackFeed(path, width: 320, height: 240)
    let stand = try Stand(ring.board, ["cam1"])
    defer { stand.close() }
    let jpegs = try (0..<4).map { try encode(stand, shade: 40 + 50 * $0) }
    try feed.show(jpegs[0])
    var shown = 1
    // The camera's own pace.
    var trouble: (any Error)?
    func next() {
      stand.loop.schedule(after: .milliseconds(40)) {
        do { try feed.show(jpegs[shown % jpegs.count]) } catch { trouble = error }
        shown += 1
        next()
      }
    }
    next()
    defer { if let trouble { ring.note("after \(shown) pictures: \(trouble)") } }
    let frames = try watch(stand, "cam1", frames: 30)
    for (index, (frame, _)) in frames.enumerated() {
      try expect(frame.format.pixels, is: .mjpeg, "format")
      // v4l2loopback loses the length of frames written before the reader opened it.
      let isShown = jpegs.contains { $0 == frame.bytes || index == 0 && frame.bytes.starts(with: $0) }
      try expect(isShown, "frame \(index) of \(frame.bytes.count) bytes is none of those shown")
      try expect(frame.thumbnail != nil, "an MJPEG frame has no thumbnail")
    }
    try expect(Set(frames.map(\.frame.bytes)).count > 1, "all frames are the same")
    let jpeg = try stand.snapshot("cam1")
    try expect(jpegs.contains(jpeg), "the snapshot is none of the pictures shown")
    try expect(try Picture(jpeg: jpeg).width, is: 320, "width of the snapshot")
    let seconds = (frames[frames.count - 1].arrival - frames[0].arrival).seconds
    ring.note("\((Double(frames.count - 1) / seconds).text) frames a second of 25 shown")
  }

  /// A picture of a brighter half and a darker one.
  private static func encode(_ stand: Stand, shade: Int) throws -> [UInt8] {
    let format = FrameFormat(pixels: .grey, width: 320, height: 240)
    let bytes = (0..<(320 * 240)).map { UInt8($0 % 320 < 160 ? shade : 255 - shade) }
    var answer: Result<[UInt8], HALError.Fault>?
    try stand.linux.encoder.encode(Frame(sequence: 0, time: stand.loop.now, format: format, bytes: bytes)) {
      answer = $0
    }
    try stand.wait("the encoder") { answer != nil }
    return try answer?.get() ?? []
  }

  private static func slowReader(_ ring: Ring) throws {
    let stand = try camera(ring)
    defer { stand.close() }
    var (fast, slow) = (0, [UInt32]())
    let quick = try stand.hardware.getCameraStream("cam0", as: Stand.everybody) { _ in
      fast += 1
      return true
    }
    let lazy = try stand.hardware.getCameraStream("cam0", as: Stand.everybody) { frame in
      slow.append(frame.sequence)
      return false
    }
    defer {
      stand.hardware.endStream(quick)
      stand.hardware.endStream(lazy)
    }
    try stand.wait("20 frames for the quick reader", within: .seconds(60)) { fast >= 20 }
    try expect(slow.count, is: 1, "frames handed to a reader that is not ready")
    try expect(stand.hardware.droppedFrames(lazy) >= 10, "\(stand.hardware.droppedFrames(lazy)) frames were shed")
    try expect(stand.hardware.droppedFrames(quick), is: 0, "frames shed for the quick reader")
    // When ready again, it gets the newest frame immediately.
    stand.hardware.ready(lazy)
    try expect(slow.count, is: 2, "frames handed over when it is ready")
    try expect(slow[1] - slow[0] >= 10, "it got frame \(slow[1]) after \(slow[0])")
  }

  private static func onlyWhileWatched(_ ring: Ring) throws {
    let vivid = try VirtualCamera()
    let stand = try camera(ring)
    defer { stand.close() }
    // The camera is opened once to query it, and then released.
    try stand.wait("the node closed before anybody watches", polling: .milliseconds(50)) { !holdsOpen("/dev/video20") }
    _ = try watch(stand, frames: 3)
    try expect(holdsOpen("/dev/video20"), "the node is closed while somebody watches")
    try expect(vivid.isStreaming, "the camera's driver does not stream")
    let start = stand.loop.now
    try stand.wait("the node closed", within: .seconds(10), polling: .milliseconds(50)) { !holdsOpen("/dev/video20") }
    try stand.wait("the driver's stream off", polling: .milliseconds(50)) { !vivid.isStreaming }
    ring.note("off \((stand.loop.now - start).text) after the last one left")
    // And a single picture turns it on and off again.
    _ = try stand.snapshot("cam0")
    try stand.wait("the driver's stream off after a snapshot", polling: .milliseconds(50)) { !vivid.isStreaming }
  }

  private static func unplug(_ ring: Ring) throws {
    let vivid = try VirtualCamera()
    defer { try? vivid.restore() }
    let stand = try camera(ring)
    defer { stand.close() }
    var frames = 0
    let stream = try stand.hardware.getCameraStream("cam0", as: Stand.everybody) { _ in
      frames += 1
      return true
    }
    defer { stand.hardware.endStream(stream) }
    for round in 1...2 {
      let before = frames
      try stand.wait("frames", within: .seconds(60)) { frames >= before + 5 }
      try vivid.unplug()
      try stand.wait(for: "device:lost", from: "cam0", count: round)
      try expect(stand.hardware.device("cam0")?.state, is: "gone", "state")
      try stand.wait("the node closed", polling: pace) { !holdsOpen("/dev/video20") }
      do {
        _ = try stand.snapshot("cam0")
        throw Failure("a camera that has gone took a picture")
      } catch let error as HALError where error.isGone {}
      try vivid.plug()
      let plugged = stand.loop.now
      let seen = frames
      try stand.wait(for: "device:back", from: "cam0", count: round)
      try stand.wait("frames after it is back", within: .seconds(60)) { frames > seen }
      ring.note("first frame \((stand.loop.now - plugged).text) after it was plugged in again")
    }
  }
}
