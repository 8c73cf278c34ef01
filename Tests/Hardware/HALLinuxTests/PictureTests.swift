import EventLoop
import HAL
import Model
import Testing

@testable import HALLinux

@Suite struct PictureTests {
  private func format(_ pixels: FrameFormat.PixelFormat, _ width: Int, _ height: Int) -> FrameFormat {
    FrameFormat(pixels: pixels, width: width, height: height)
  }

  private func mean(_ bytes: some Collection<UInt8>) -> Double {
    Double(bytes.reduce(0) { $0 + Int($1) }) / Double(bytes.count)
  }

  /// The means of red, green and blue.
  private func means(_ rgb: [UInt8]) -> [Double] {
    (0..<3).map { channel in mean(stride(from: channel, to: rgb.count, by: 3).map { rgb[$0] }) }
  }

  private func repeated(_ pattern: [UInt8], _ count: Int) -> [UInt8] {
    Array(repeatElement(pattern, count: count).joined())
  }

  /// ITU-R BT.601 with the full range, as in JFIF.
  private func rgb(_ y: Double, _ u: Double, _ v: Double) -> [Double] {
    [y + 1.402 * (v - 128), y - 0.344136 * (u - 128) - 0.714136 * (v - 128), y + 1.772 * (u - 128)]
  }

  // MARK: Round trips through the real library

  @Test(arguments: [(64, 48), (641, 3), (1, 1)])
  func rgb24(_ width: Int, _ height: Int) throws {
    let codec = try JPEGCodec()
    let bytes = repeated([200, 60, 20], width * height)
    let jpeg = try codec.encode(bytes, format(.rgb24, width, height))
    #expect(jpeg.starts(with: [0xFF, 0xD8]) && jpeg.suffix(2) == [0xFF, 0xD9])
    let back = try codec.decode(jpeg, isGrey: false)
    #expect(back.width == width && back.height == height && back.pixels.count == width * height * 3)
    for (found, expected) in zip(means(back.pixels), [200.0, 60, 20]) { #expect(abs(found - expected) < 4) }
  }

  @Test func grey() throws {
    let codec = try JPEGCodec()
    let bytes = (0..<(64 * 32)).map { UInt8($0 % 64 * 4) }
    let back = try codec.decode(try codec.encode(bytes, format(.grey, 64, 32)), isGrey: true)
    #expect(back.width == 64 && back.height == 32)
    let errors = zip(back.pixels, bytes).map { abs(Int($0) - Int($1)) }
    #expect(errors.allSatisfy { $0 < 24 } && Double(errors.reduce(0, +)) / Double(errors.count) < 3)
  }

  @Test func yuyv() throws {
    let codec = try JPEGCodec()
    let bytes = repeated([150, 100, 150, 160], 32 * 24 / 2)
    let back = try codec.decode(try codec.encode(bytes, format(.yuyv, 32, 24)), isGrey: false)
    #expect(back.width == 32 && back.height == 24)
    for (found, expected) in zip(means(back.pixels), rgb(150, 100, 160)) { #expect(abs(found - expected) < 4) }
  }

  @Test func nv12() throws {
    let codec = try JPEGCodec()
    let bytes = [UInt8](repeating: 90, count: 32 * 24) + repeated([140, 110], 16 * 12)
    let back = try codec.decode(try codec.encode(bytes, format(.nv12, 32, 24)), isGrey: false)
    for (found, expected) in zip(means(back.pixels), rgb(90, 140, 110)) { #expect(abs(found - expected) < 4) }
  }

  /// The halves of a picture stay where they are.
  @Test func yuyvKeepsItsPlaces() throws {
    let codec = try JPEGCodec()
    let row = repeated([30, 128, 30, 128], 16) + repeated([220, 128, 220, 128], 16)
    let back = try codec.decode(try codec.encode(repeated(row, 16), format(.yuyv, 64, 16)), isGrey: true)
    let left = (0..<16).flatMap { back.pixels[($0 * 64)..<($0 * 64 + 32)] }
    let right = (0..<16).flatMap { back.pixels[($0 * 64 + 32)..<($0 * 64 + 64)] }
    #expect(abs(mean(left) - 30) < 3 && abs(mean(right) - 220) < 3)
  }

  @Test func compressedPicturesPassThrough() throws {
    let bytes: [UInt8] = [0xFF, 0xD8, 1, 2, 3]
    #expect(try JPEGCodec().encode(bytes, format(.mjpeg, 640, 480)) == bytes)
  }

  @Test(arguments: [
    (FrameFormat(pixels: .rgb24, width: 4, height: 4), 47), (.init(pixels: .yuyv, width: 3, height: 4), 24),
    (.init(pixels: .nv12, width: 4, height: 3), 20), (.init(pixels: .grey, width: 0, height: 4), 0),
    (.init(pixels: .grey, width: -1, height: 4), 4), (.init(pixels: .grey, width: 1 << 40, height: 1 << 40), 4),
    (.init(pixels: .nv12, width: 4, height: 4), 23),
  ])
  func whatDoesNotFitIsRefused(_ format: FrameFormat, _ count: Int) throws {
    let codec = try JPEGCodec()
    do throws(HALError.Fault) {
      _ = try codec.encode([UInt8](repeating: 0, count: count), format)
      Issue.record("it was encoded")
    } catch {
      guard case .protocolViolation = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func encoderAnswersOnTheLoop() throws {
    let loop = try EventLoop()
    let encoder = JPEGEncoder(loop: loop)
    let frame = Frame(
      sequence: 1, time: loop.now, format: format(.grey, 16, 16), bytes: [UInt8](repeating: 77, count: 256))
    var jpeg: [UInt8]?
    var refused: HALError.Fault?
    encoder.encode(frame) { jpeg = try? $0.get() }
    var wrong = frame
    wrong.bytes.removeLast()
    encoder.encode(wrong) { if case .failure(let fault) = $0 { refused = fault } }
    #expect(jpeg == nil)
    loop.turn { jpeg != nil && refused != nil }
    #expect(try JPEGCodec().decode(jpeg ?? [], isGrey: true).pixels.allSatisfy { abs(Int($0) - 77) < 3 })
    #expect(refused == .protocolViolation("a GREY picture of 16×16 has 256 bytes, not 255"))
    var passed: [UInt8]?
    let compressed = Frame(sequence: 2, time: loop.now, format: format(.mjpeg, 16, 16), bytes: [1, 2])
    encoder.encode(compressed) { passed = try? $0.get() }
    #expect(passed == nil)
    loop.turn { passed != nil }
    #expect(passed == [1, 2])
  }

  /// Cameras send broken pictures, which must be harmless. Seeded, so that a failure can be reproduced.
  @Test func brokenPicturesDoNoHarm() throws {
    let codec = try JPEGCodec()
    let source = (0..<(48 * 32 * 3)).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let good = try codec.encode(source, format(.rgb24, 48, 32))
    let expected = try codec.decode(good, isGrey: false).pixels
    var random: UInt64 = 0x9E37_79B9_7F4A_7C15
    func next(_ limit: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % limit
    }
    var refused = 0
    for _ in 0..<400 {
      var bad = good
      for _ in 0...next(8) { bad[next(bad.count)] = UInt8(next(256)) }
      if next(3) == 0 { bad.removeLast(next(bad.count)) }
      do throws(HALError.Fault) {
        let small = try codec.thumbnail(bad)
        #expect((small?.width ?? 0) <= Thumbnail.limit)
      } catch {
        refused += 1
      }
      // In any case the next picture is encoded correctly.
      #expect(try codec.decode(good, isGrey: false).pixels == expected)
    }
    #expect(refused > 0)
  }

  // MARK: Thumbnails

  @Test(arguments: [
    (640, 480, 160, 120), (160, 120, 160, 120), (1280, 720, 160, 90), (1920, 1080, 160, 90), (8, 4, 8, 4),
  ])
  func thumbnailSizes(_ width: Int, _ height: Int, _ wide: Int, _ tall: Int) throws {
    let bytes = [UInt8](repeating: 99, count: width * height)
    let small = try #require(Thumbnail(bytes, format(.grey, width, height)))
    #expect(small.width == wide && small.height == tall && small.grey.count == wide * tall)
    #expect(small.grey.allSatisfy { $0 == 99 })
  }

  @Test func thumbnailsAreMeans() throws {
    // 320 wide: squares of four pixels.
    var bytes = [UInt8](repeating: 0, count: 320 * 4)
    (bytes[0], bytes[1], bytes[320], bytes[321]) = (10, 20, 30, 40)
    let small = try #require(Thumbnail(bytes, format(.grey, 320, 4)))
    #expect(small.width == 160 && small.height == 2)
    #expect(small.grey[0] == 25 && small.grey[1] == 0)
  }

  @Test func thumbnailsOfEveryFormat() throws {
    let yuyv = Thumbnail(repeated([50, 1, 70, 2], 320 * 2 / 2), format(.yuyv, 320, 2))
    #expect(yuyv == Thumbnail(width: 160, height: 1, grey: [UInt8](repeating: 60, count: 160)))
    let nv12 = Thumbnail([10, 20, 30, 40, 1, 2], format(.nv12, 2, 2))
    #expect(nv12 == Thumbnail(width: 2, height: 2, grey: [10, 20, 30, 40]))
    let rgb = Thumbnail([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255], format(.rgb24, 4, 1))
    #expect(rgb?.grey == [76, 149, 28, 255])
    #expect(Thumbnail([1, 2, 3], format(.grey, 2, 2)) == nil)
    #expect(Thumbnail([1, 2, 3], format(.mjpeg, 2, 2)) == nil)
  }

  @Test(arguments: [(640, 480, 160, 120), (1920, 1080, 120, 67), (100, 60, 100, 60)])
  func thumbnailsOfCompressedPictures(_ width: Int, _ height: Int, _ wide: Int, _ tall: Int) throws {
    let codec = try JPEGCodec()
    // Dark above, bright below.
    let half = width * height / 2
    let bytes = [UInt8](repeating: 40, count: half) + [UInt8](repeating: 210, count: width * height - half)
    let small = try #require(try codec.thumbnail(try codec.encode(bytes, format(.grey, width, height))))
    #expect(small.width == wide && abs(small.height - tall) <= 1)
    #expect(abs(mean(small.grey.prefix(wide * (tall / 2 - 2))) - 40) < 4)
    #expect(abs(mean(small.grey.suffix(wide * (tall / 2 - 2))) - 210) < 4)
  }

  // MARK: V4L2

  /// videodev2.h: v4l2_fourcc('Y', 'U', 'Y', 'V').
  @Test func fourCharacterCodes() {
    #expect(CaptureStream.code(.yuyv) == 0x5659_5559)
    for pixels in FrameFormat.PixelFormat.allCases {
      #expect(CaptureStream.pixels(CaptureStream.code(pixels)) == pixels)
    }
    #expect(CaptureStream.pixels(0x4745_504A) == .mjpeg)
    #expect(CaptureStream.pixels(0x3432_3248) == nil)
    #expect(CaptureStream.pixels(0xFFFF_FFFF) == nil)
  }

  @Test func paddingIsLeftOut() {
    func unpadded(_ bytes: [UInt8], _ format: FrameFormat, _ stride: Int) -> [UInt8]? {
      // SAFETY: the bytes outlive the call.
      unsafe bytes.withUnsafeBytes {
        unsafe CaptureStream.unpadded($0, format, stride: stride, size: format.size ?? 0)
      }
    }
    let grey = format(.grey, 2, 2)
    #expect(unpadded([1, 2, 9, 3, 4, 9], grey, 3) == [1, 2, 3, 4])
    #expect(unpadded([1, 2, 9, 3, 4], grey, 3) == [1, 2, 3, 4])
    #expect(unpadded([1, 2, 9, 3], grey, 3) == nil)
    #expect(unpadded([1, 2, 3, 4, 5], grey, 0) == [1, 2, 3, 4])
    #expect(unpadded([1, 2, 3], grey, 2) == nil)
    #expect(
      unpadded([1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0], format(.nv12, 2, 2), 4) == [1, 2, 3, 4, 5, 6])
  }
}
