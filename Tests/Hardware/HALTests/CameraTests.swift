import HAL
import HALTestKit
import Model
import Testing

@Suite struct CameraTests {
  let ann = Principal.named("agent/ann")

  /// An encoder whose "JPEG" is the frame's number.
  private static func numbering(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void) {
    done(.success([UInt8(truncatingIfNeeded: frame.sequence)]))
  }

  private static let settings = CameraSettings(format: FrameFormat(pixels: .rgb24, width: 64, height: 48, rate: 10))

  @Test func aCameraStreamsOnlyForWatchers() throws {
    let bench = GateBench([.camera("cam", Self.settings)])
    bench.wait(5000)
    #expect(bench.clock.waiting == 0)
    var frames: [Frame] = []
    let stream = try bench.hardware.getCameraStream("cam", as: ann) { frame in
      frames.append(frame)
      return true
    }
    bench.wait(1000)
    #expect(frames.count == 10)
    #expect(frames[0].bytes.count == 64 * 48 * 3 && frames.map(\.sequence) == Array(1...10))
    #expect(bench.hardware.device("cam")?.state == "streaming")
    bench.hardware.endStream(stream)
    bench.wait(3000)
    #expect(frames.count == 10 && bench.clock.waiting == 0)
    #expect(bench.hardware.device("cam")?.state == "idle")
  }

  @Test func aSlowWatcherLosesOldFramesOnly() throws {
    let bench = GateBench([.camera("cam", Self.settings)])
    var slow: [UInt32] = []
    var quick = 0
    let stream = try bench.hardware.getCameraStream("cam", as: ann) { frame in
      slow.append(frame.sequence)
      return false
    }
    _ = try bench.hardware.getCameraStream("cam", as: ann) { _ in
      quick += 1
      return true
    }
    bench.wait(1000)
    #expect(slow == [1] && quick == 10)
    #expect(bench.hardware.droppedFrames(stream) == 8)
    // The newest frame is buffered for it.
    bench.hardware.ready(stream)
    #expect(slow == [1, 10])
    bench.hardware.ready(stream)
    bench.wait(100)
    #expect(slow == [1, 10, 11])
    #expect(bench.hardware.droppedFrames(stream) == 8)
  }

  @Test func aWatcherMayLimitItsRate() throws {
    let bench = GateBench([.camera("cam", Self.settings)])
    var count = 0
    let stream = try bench.hardware.getCameraStream("cam", as: ann, maxRate: 2) { _ in
      count += 1
      return true
    }
    bench.wait(3000)
    #expect((6...7).contains(count))
    #expect(bench.hardware.droppedFrames(stream) == 0)
    for rate in [0, -1, Double.nan] {
      let error = failure { () throws(HALError) in
        try bench.hardware.getCameraStream("cam", as: ann, maxRate: rate) { _ in true }
      }
      guard case .invalid = error else { Issue.record("rate \(rate) was taken"); continue }
    }
  }

  @Test func snapshotsShareAFrame() throws {
    let bench = GateBench([.camera("cam", Self.settings)], encoder: Self.numbering)
    var pictures: [[UInt8]] = []
    for _ in 0..<5 {
      bench.hardware.snapshot("cam", as: ann) { if case .success(let jpeg) = $0 { pictures.append(jpeg) } }
    }
    bench.wait(100)
    #expect(pictures == Array(repeating: [1], count: 5))
    bench.wait(2000)
    #expect(bench.clock.waiting == 0)
  }

  @Test func anEventFollowsWhenThePictureIsReady() throws {
    let bench = GateBench([.camera("cam", Self.settings)], encoder: Self.numbering)
    for _ in 0..<3 {
      let error = failure { () throws(HALError) in try bench.hardware.latestJPEG("cam", as: ann) }
      guard case .unavailable = error else { Issue.record("\(String(describing: error))"); return }
    }
    bench.wait(100)
    #expect(bench.sink.of("camera:snapshot").count == 1)
    #expect(try bench.hardware.latestJPEG("cam", as: ann) == [1])
    bench.wait(5000)
    #expect(try bench.hardware.latestJPEG("cam", as: ann) == [1])
    bench.wait(1)
    #expect(failure { () throws(HALError) in try bench.hardware.latestJPEG("cam", as: ann) } != nil)
  }

  @Test func anEventFollowsWhenTheGreyPictureIsReady() throws {
    let bench = GateBench([.camera("cam", Self.settings)])
    func grey(_ width: Int, _ height: Int) throws(HALError) -> Thumbnail {
      try bench.hardware.latestGrey("cam", width: width, height: height, as: ann)
    }
    for _ in 0..<3 {
      guard case .unavailable = failure({ () throws(HALError) in try grey(8, 6) }) else {
        Issue.record("there at once")
        return
      }
    }
    // The small grey mode is enough.
    #expect(bench.hardware.device("cam")?.state == "looking for motion")
    bench.wait(300)
    #expect(bench.sink.of("camera:frame").map { $0["width"]?.int } == [64])
    let picture = try grey(8, 6)
    #expect(picture.width == 8 && picture.height == 6 && picture.grey.count == 48)
    #expect(try grey(64, 48).grey.count == 64 * 48)
    for (width, height) in [(65, 48), (64, 49)] {
      guard case .limited = failure({ () throws(HALError) in try grey(width, height) }) else {
        Issue.record("\(width) × \(height) was given")
        return
      }
    }
    guard case .invalid = failure({ () throws(HALError) in try grey(0, 6) }) else {
      Issue.record("0 pixels were given")
      return
    }
    // The camera stops, and the picture becomes too old.
    bench.wait(6000)
    #expect(bench.clock.waiting == 0 && bench.hardware.device("cam")?.state == "idle")
    #expect(failure { () throws(HALError) in try grey(8, 6) } != nil)
    // While a watcher streams, the newest frame's thumbnail is available.
    let stream = try bench.hardware.getCameraStream("cam", as: ann) { _ in true }
    bench.wait(500)
    #expect(try grey(8, 6).grey.count == 48)
    bench.hardware.endStream(stream)
    let stranger = Principal(name: "agent/x", permissions: Permissions())
    guard
      case .denied = failure({ () throws(HALError) in
        try bench.hardware.latestGrey("cam", width: 8, height: 6, as: stranger)
      })
    else {
      Issue.record("a stranger saw it")
      return
    }
  }

  @Test func scalingTakesTheMean() {
    let picture = Thumbnail(width: 4, height: 2, grey: [0, 10, 20, 30, 40, 50, 60, 70])
    #expect(picture.scaled(width: 2, height: 1)?.grey == [25, 45])
    #expect(picture.scaled(width: 3, height: 2)?.grey == [0, 10, 25, 40, 50, 65])
    #expect(picture.scaled(width: 1, height: 1)?.grey == [35])
    #expect(picture.scaled(width: 5, height: 1) == nil && picture.scaled(width: 0, height: 1) == nil)
    #expect(Thumbnail(width: 4, height: 2, grey: [1]).scaled(width: 1, height: 1) == nil)
  }

  @Test func aCameraGoesAndComesBack() throws {
    let bench = GateBench([.camera("cam", Self.settings)], encoder: Self.numbering)
    var frames = 0
    _ = try bench.hardware.getCameraStream("cam", as: ann) { _ in
      frames += 1
      return true
    }
    bench.wait(500)
    var pictures: [Result<[UInt8], HALError>] = []
    bench.hardware.snapshot("cam", as: ann) { pictures.append($0) }
    try bench.backend.inject("cam", ["fault": "unplug", "for": "3s"])
    #expect(bench.sink.of("device:lost").map { $0["reason"] } == ["it is unplugged"])
    #expect(pictures == [.failure(.failed("cam", operation: "reach", .absent("it is unplugged")))])
    bench.hardware.snapshot("cam", as: ann) { pictures.append($0) }
    #expect(pictures.count == 2)
    bench.wait(2900)
    let shown = try #require(bench.hardware.device("cam"))
    #expect(frames == 5 && shown.state == "gone" && shown.fault == "it is unplugged")
    bench.wait(600)
    #expect(bench.sink.of("device:back").count == 1 && frames == 10)
  }

  /// Presence is reported although nothing streams.
  @Test func anUnwatchedCameraGoesAndComesBack() throws {
    let bench = GateBench([.camera("cam", Self.settings)], encoder: Self.numbering)
    try bench.backend.inject("cam", "unplug")
    #expect(bench.sink.of("device:lost").map { $0["reason"] } == ["it is unplugged"])
    #expect(bench.hardware.device("cam")?.state == "gone")
    try bench.backend.inject("cam", "none")
    #expect(bench.sink.of("device:back").count == 1 && bench.hardware.device("cam")?.state == "idle")
    var result: Result<[UInt8], HALError>?
    bench.hardware.snapshot("cam", as: ann) { result = $0 }
    bench.wait(1000)
    #expect(try result?.get() != nil)
  }

  @Test func noFrameWithinFiveSecondsIsAnError() throws {
    let bench = GateBench([.camera("cam", Self.settings)], encoder: Self.numbering)
    try bench.backend.inject("cam", "timeout")
    var result: Result<[UInt8], HALError>?
    bench.hardware.snapshot("cam", as: ann) { result = $0 }
    bench.wait(4999)
    #expect(result == nil && bench.sink.of("device:fault").count == 1)
    bench.wait(1)
    #expect(result == .failure(.failed("cam", operation: "snapshot", .timeout)))
    bench.wait(2000)
    #expect(bench.clock.waiting == 0)
  }

  @Test func aCameraThatFailsToStartIsRetried() throws {
    let bench = GateBench([.camera("cam", Self.settings)], encoder: Self.numbering)
    try bench.backend.inject("cam", ["fault": "nack", "count": 2])
    var frames = 0
    _ = try bench.hardware.getCameraStream("cam", as: ann) { _ in
      frames += 1
      return true
    }
    bench.wait(2900)
    #expect(frames == 0 && bench.sink.of("device:fault").count == 1)
    bench.wait(600)
    #expect(frames > 0 && bench.sink.of("device:recovered").count == 1)
  }

  @Test func anEndedHolderLosesItsStreams() throws {
    let bench = GateBench([.camera("cam", Self.settings)])
    _ = try bench.hardware.getCameraStream("cam", as: ann) { _ in true }
    bench.hardware.releaseAll(holder: "agent/ann")
    bench.wait(2000)
    #expect(bench.clock.waiting == 0)
  }

  @Test func motionIsAnEventWithAPlace() throws {
    var settings = Self.settings
    settings.format = FrameFormat(pixels: .rgb24, width: 640, height: 480, rate: 10)
    settings.motion = MotionSettings(threshold: 0.02, cooldown: .seconds(5))
    let scene: Value = [
      "noise": 3, "objects": [["size": 0.25, "row": 0.75, "after": "8s", "every": "20s", "for": "3s"]],
    ]
    let bench = GateBench([.camera("cam", settings, scene: scene)], encoder: Self.numbering)
    #expect(bench.hardware.device("cam")?.state == "looking for motion")
    bench.wait(8000)
    #expect(bench.sink.events.isEmpty)
    bench.wait(3000)
    let motion = try #require(bench.sink.of("camera:motion").first)
    #expect(bench.sink.of("camera:motion").count == 1)
    #expect((0.02...0.2).contains(motion["fraction"]?.double ?? 0))
    #expect((motion["x"]?.double ?? 1) < 0.4)
    #expect(abs((motion["y"]?.double ?? 0) - 0.75) < 0.1)
    bench.wait(17000)
    #expect(bench.sink.of("camera:motion").count == 1)
    bench.wait(3000)
    #expect(bench.sink.of("camera:motion").count == 2)
    bench.hardware.close()
    #expect(bench.clock.waiting == 0)
  }
}
