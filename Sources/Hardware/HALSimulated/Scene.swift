import HAL
import Model

/// The scene in front of a simulated camera: a still background, noise, and square objects that cross it.
struct Scene {
  struct Object {
    /// The side of the square, as a fraction of the picture's width.
    var size: Double
    /// The vertical position of its centre, 0 top to 1 bottom.
    var row: Double
    var brightness: UInt8
    /// The time of its first appearance, from the start of the simulation.
    var after: Duration
    /// The period of its appearances; nil for a single one.
    var every: Duration?
    /// The time from the left edge to the right one.
    var length: Duration
  }

  /// The visible part of an object, in pixels.
  struct Patch {
    var columns: Range<Int>
    var rows: Range<Int>
    var brightness: UInt8
  }

  let objects: [Object]
  /// The largest deviation of a pixel, in grey levels.
  let noise: Int

  init(_ device: DeviceID, _ value: Value?) throws(HALError) {
    let scene = try Declaration(device, "scene", value, allowed: ["objects", "noise"])
    noise = Int(min(64, max(0, try scene.number("noise", 2))))
    var objects: [Object] = []
    for (index, item) in try scene.list("objects").enumerated() {
      let path = "scene.objects[\(index)]"
      let object = try Declaration(
        device, path, item, allowed: ["size", "row", "brightness", "after", "every", "for"])
      let length = try object.duration("for", .seconds(3))
      let every = try object.duration("every")
      guard length > .zero, every.map({ $0 >= length }) ?? true else {
        throw .invalid(device, "\(path): 'for' must be longer than zero, and 'every' at least as long as 'for'")
      }
      objects.append(
        Object(
          size: min(1, max(0.01, try object.number("size", 0.2))), row: min(1, max(0, try object.number("row", 0.5))),
          brightness: UInt8(min(255, max(0, try object.number("brightness", 230)))),
          after: try object.duration("after", .zero), every: every, length: length))
    }
    self.objects = objects
  }

  /// The visible objects in a picture of that size, `elapsed` after the start.
  func patches(_ elapsed: Duration, width: Int, height: Int) -> [Patch] {
    objects.compactMap { object in
      var time = elapsed - object.after
      guard time >= .zero else { return nil }
      if let every = object.every { time = .nanoseconds(time.nanoseconds % every.nanoseconds) }
      guard time < object.length else { return nil }
      let side = max(1, Int(object.size * Double(width)))
      let left = Int(time.seconds / object.length.seconds * Double(width + side)) - side
      let top = Int(object.row * Double(height)) - side / 2
      let columns = max(0, left)..<max(0, min(width, left + side))
      let rows = max(0, top)..<max(0, min(height, top + side))
      guard !columns.isEmpty, !rows.isEmpty else { return nil }
      return Patch(columns: columns, rows: rows, brightness: object.brightness)
    }
  }

  /// A vertical gradient with a pattern of tiles; the same for the same seed.
  static func background(width: Int, height: Int, seed: UInt64) -> [UInt8] {
    var grey = [UInt8](repeating: 0, count: width * height)
    for y in 0..<height {
      for x in 0..<width {
        // 16 × 12 tiles at any size, so that small and large pictures show the same.
        var tile = Noise(seed ^ UInt64(x * 16 / width) &<< 8 ^ UInt64(y * 12 / height))
        grey[y * width + x] = UInt8(60 + 80 * y / height + Int(tile.next() & 31))
      }
    }
    return grey
  }

  /// One picture in grey levels.
  func picture(
    _ elapsed: Duration, width: Int, height: Int, over background: [UInt8], noise source: inout Noise
  ) -> [UInt8] {
    var grey = background
    for patch in patches(elapsed, width: width, height: height) {
      for y in patch.rows {
        for x in patch.columns { grey[y * width + x] = patch.brightness }
      }
    }
    guard noise > 0 else { return grey }
    let span = UInt64(noise * 2 + 1)
    var index = 0
    while index < grey.count {
      // Eight pixels from one number.
      var bits = source.next()
      for pixel in index..<min(index + 8, grey.count) {
        let offset = Int(((bits & 0xFF) * span) >> 8) - noise
        grey[pixel] = UInt8(clamping: Int(grey[pixel]) + offset)
        bits >>= 8
      }
      index += 8
    }
    return grey
  }
}
