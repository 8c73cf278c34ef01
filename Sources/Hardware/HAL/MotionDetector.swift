import Model

/// The amount and place of a change in the picture.
package struct Motion: Sendable, Hashable {
  /// The fraction of the picture that changed, 0 to 1.
  package var fraction: Double
  /// The centre of the changed area, 0 left to 1 right.
  package var x: Double
  /// The centre of the changed area, 0 top to 1 bottom.
  package var y: Double

  /// All values are fractions of the picture, 0 to 1.
  package init(fraction: Double, x: Double, y: Double) {
    self.fraction = fraction
    self.x = x
    self.y = y
  }
}

/// Tells motion from noise: compares each picture with a slowly adapting background.
///
/// Pictures are averaged into at most 40 cells a row, which removes most of the sensor's noise. A cell has changed when
/// it differs from its background by more than five times its usual deviation. A change in brightness of the whole
/// picture is subtracted first, and a changed cell without a changed neighbour does not count. When more than 80 % of
/// the cells have changed, the light or the camera has changed, not the scene: the background is learnt again.
package struct MotionDetector: Sendable {
  /// The fraction of cells that must have changed.
  package let threshold: Double

  // Cells are in 1/16 grey levels, so that a slow average does not get stuck on rounding.
  private var columns = 0
  private var rows = 0
  private var width = 0
  private var height = 0
  private var background: [Int32] = []
  private var deviation: [Int32] = []
  private var cells: [Int32] = []
  private var changed: [Bool] = []
  /// Pictures since the background was last learnt again, and since the size last changed.
  private var learnt = 0
  private var seen = 0

  /// Pictures used only to learn the background, each time it is learnt again.
  private static let warmUp = 3
  /// Pictures used only to learn the camera's noise, once.
  private static let firstWarmUp = 12
  /// The smallest difference that counts: eight grey levels.
  private static let floor: Int32 = 8 * 16

  /// - Parameter threshold: the fraction of the picture that must change, 0 to 1.
  package init(threshold: Double) { self.threshold = threshold }

  /// Forgets the background: the next picture is the new one.
  package mutating func relearn() { learnt = 0 }

  /// Compares the next picture with the background.
  /// - Returns: the motion; nil below the threshold, while learning, or when the picture is malformed.
  package mutating func feed(_ picture: Thumbnail) -> Motion? {
    guard picture.width > 0, picture.height > 0, picture.grey.count >= picture.width * picture.height else {
      return nil
    }
    if picture.width != width || picture.height != height { resize(picture) }
    average(picture)
    guard learnt > 0 else {
      background = cells
      learnt = 1
      return nil
    }
    let shift = brightnessShift()
    guard learnt > Self.warmUp, seen > Self.firstWarmUp else {
      learn(shift)
      return nil
    }
    var count = 0
    for index in cells.indices {
      let limit = max(Self.floor, 5 * deviation[index])
      changed[index] = abs(cells[index] - background[index] - shift) > limit
      if changed[index] { count += 1 }
    }
    if count * 10 > cells.count * 8 {
      background = cells
      learnt = 1
      return nil
    }
    let motion = measure()
    follow(shift)
    return motion.fraction >= threshold && motion.fraction > 0 ? motion : nil
  }

  private mutating func resize(_ picture: Thumbnail) {
    (width, height) = (picture.width, picture.height)
    let block = max(1, (width + 39) / 40)
    columns = max(1, width / block)
    rows = max(1, height / block)
    cells = [Int32](repeating: 0, count: columns * rows)
    changed = [Bool](repeating: false, count: columns * rows)
    deviation = [Int32](repeating: 0, count: columns * rows)
    (learnt, seen) = (0, 0)
  }

  private mutating func average(_ picture: Thumbnail) {
    let block = max(1, (width + 39) / 40)
    let (blockWidth, blockHeight) = (min(block, width), min(block, height))
    for row in 0..<rows {
      for column in 0..<columns {
        var sum: Int32 = 0
        for y in row * block..<row * block + blockHeight {
          let start = y * width + column * block
          for x in start..<start + blockWidth { sum += Int32(picture.grey[x]) }
        }
        cells[row * columns + column] = sum * 16 / Int32(blockWidth * blockHeight)
      }
    }
  }

  /// The median difference: the change in brightness of the whole picture.
  private func brightnessShift() -> Int32 {
    // Counting whole grey levels finds the median without sorting.
    var histogram = [Int32](repeating: 0, count: 511)
    for index in cells.indices { histogram[Int((cells[index] - background[index]) / 16) + 255] += 1 }
    var seen: Int32 = 0
    for (level, count) in histogram.enumerated() {
      seen += count
      if seen * 2 >= Int32(cells.count) { return Int32(level - 255) * 16 }
    }
    return 0
  }

  private func measure() -> Motion {
    var (count, x, y) = (0, 0, 0)
    for row in 0..<rows {
      for column in 0..<columns where changed[row * columns + column] {
        let index = row * columns + column
        let hasNeighbour =
          column > 0 && changed[index - 1] || column + 1 < columns && changed[index + 1]
          || row > 0 && changed[index - columns] || row + 1 < rows && changed[index + columns]
        guard hasNeighbour || cells.count == 1 else { continue }
        count += 1
        x += 2 * column + 1
        y += 2 * row + 1
      }
    }
    guard count > 0 else { return Motion(fraction: 0, x: 0.5, y: 0.5) }
    return Motion(
      fraction: Double(count) / Double(cells.count),
      x: Double(x) / Double(2 * count * columns), y: Double(y) / Double(2 * count * rows))
  }

  /// Averages the first pictures, so that the background does not keep the noise of one.
  private mutating func learn(_ shift: Int32) {
    learnt += 1
    seen += 1
    for index in cells.indices {
      let difference = cells[index] - background[index]
      background[index] += difference / Int32(min(learnt, 16))
      deviation[index] += (abs(difference - shift) - deviation[index]) / Int32(min(seen, 16))
    }
  }

  /// Moves the background towards the picture: by 1/16 of the difference in unchanged cells, by 1/64 in changed ones.
  /// An object that stays becomes background within about a minute at five pictures a second.
  private mutating func follow(_ shift: Int32) {
    for index in cells.indices {
      let difference = cells[index] - background[index]
      if changed[index] {
        background[index] += difference / 64 + difference.signum()
      } else {
        background[index] += difference / 16
        deviation[index] += (abs(difference - shift) - deviation[index]) / 16
      }
    }
  }
}
