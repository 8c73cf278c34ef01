import HAL
import Model
import TestKit
import Testing

@Suite struct MotionDetectorTests {
  private func picture(
    _ random: inout SeededGenerator, base: Int = 100, noise: Int = 6, square: (x: Int, y: Int)? = nil
  )
    -> Thumbnail
  {
    var grey = [UInt8](repeating: 0, count: 160 * 120)
    for start in stride(from: 0, to: grey.count, by: 8) {
      // Eight pixels from one number.
      var bits = random.next()
      for index in start..<start + 8 {
        grey[index] = UInt8(clamping: base - noise + ((Int(bits & 0xFF) * (2 * noise + 1)) >> 8))
        bits >>= 8
      }
    }
    if let square {
      for y in square.y..<square.y + 40 { for x in square.x..<square.x + 40 { grey[y * 160 + x] = 220 } }
    }
    return Thumbnail(width: 160, height: 120, grey: grey)
  }

  private func expectNone(
    _ detector: inout MotionDetector, _ picture: Thumbnail, _ place: SourceLocation = #_sourceLocation
  ) {
    let motion = detector.feed(picture)
    #expect(motion == nil, sourceLocation: place)
  }

  @Test func noiseIsNotMotion() {
    var random = SeededGenerator(3)
    var detector = MotionDetector(threshold: 0.005)
    for _ in 0..<200 { expectNone(&detector, picture(&random, noise: 25)) }
  }

  @Test func aSquareIsLocated() throws {
    var random = SeededGenerator(4)
    var detector = MotionDetector(threshold: 0.02)
    for _ in 0..<20 { _ = detector.feed(picture(&random)) }
    let found = detector.feed(picture(&random, square: (x: 100, y: 60)))
    let motion = try #require(found)
    #expect(abs(motion.fraction - 1600.0 / 19200) < 0.01)
    #expect(abs(motion.x - 120.0 / 160) < 0.02 && abs(motion.y - 80.0 / 120) < 0.02)
  }

  @Test func lightIsNotMotion() {
    var random = SeededGenerator(5)
    var detector = MotionDetector(threshold: 0.02)
    for _ in 0..<20 { _ = detector.feed(picture(&random)) }
    // Gradual and sudden changes.
    for step in 0..<60 { expectNone(&detector, picture(&random, base: 100 + step)) }
    expectNone(&detector, picture(&random, base: 30))
    for _ in 0..<20 { expectNone(&detector, picture(&random, base: 30)) }
  }

  @Test func aStationaryObjectBecomesBackground() {
    var random = SeededGenerator(6)
    var detector = MotionDetector(threshold: 0.02)
    for _ in 0..<20 { _ = detector.feed(picture(&random)) }
    var found = detector.feed(picture(&random, square: (x: 10, y: 10)))
    #expect(found != nil)
    for _ in 0..<300 { _ = detector.feed(picture(&random, square: (x: 10, y: 10))) }
    found = detector.feed(picture(&random, square: (x: 10, y: 10)))
    #expect(found == nil)
  }

  @Test func oddSizesAreFine() {
    for (width, height) in [(1, 1), (3, 2), (160, 1), (1, 120), (41, 41), (159, 119)] {
      var detector = MotionDetector(threshold: 0.1)
      for level in [0, 255, 0, 255, 0, 255] as [UInt8] {
        _ = detector.feed(Thumbnail(width: width, height: height, grey: Array(repeating: level, count: width * height)))
      }
      expectNone(&detector, Thumbnail(width: width, height: height, grey: []))
      expectNone(&detector, Thumbnail(width: 0, height: -1, grey: []))
    }
  }
}
