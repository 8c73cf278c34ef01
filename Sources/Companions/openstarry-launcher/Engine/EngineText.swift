#if !hasFeature(Embedded)
  import Companion
#endif

/// JSON as an engine writes it: values are taken out and put in as text, without knowing what is in them.
extension [UInt8] {
  /// The value of a field of this object, as text; nil when there is no such field, or this is no object.
  func field(_ name: StaticString) -> [UInt8]? {
    let name = [0x22] + [UInt8](name) + [0x22]
    var place = skippingSpace(0)
    guard place < count, self[place] == 0x7B else { return nil }
    place = skippingSpace(place + 1)
    while place < count, self[place] == 0x22 {
      let end = skippingValue(place)
      let isWanted = [UInt8](self[place..<end]) == name
      place = skippingSpace(end)
      guard place < count, self[place] == 0x3A else { return nil }
      let start = skippingSpace(place + 1)
      place = skippingValue(start)
      if isWanted { return [UInt8](self[start..<place]) }
      place = skippingSpace(place)
      guard place < count, self[place] == 0x2C else { return nil }
      place = skippingSpace(place + 1)
    }
    return nil
  }

  /// The elements of this array, each as text; none when this is no array.
  var elements: [[UInt8]] {
    var found: [[UInt8]] = []
    var place = skippingSpace(0)
    guard place < count, self[place] == 0x5B else { return [] }
    place = skippingSpace(place + 1)
    while place < count, self[place] != 0x5D {
      let end = skippingValue(place)
      found.append([UInt8](self[place..<end]))
      place = skippingSpace(end)
      guard place < count, self[place] == 0x2C else { break }
      place = skippingSpace(place + 1)
    }
    return found
  }

  /// The contents of this string, if it has no escapes; empty for anything else.
  var unquoted: [UInt8] {
    guard count >= 2, self[0] == 0x22, self[count - 1] == 0x22, !contains(0x5C) else { return [] }
    return [UInt8](self[1..<count - 1])
  }

  /// The text with `new` for every `old`.
  func replacing(_ old: StaticString, with new: [UInt8]) -> [UInt8] {
    let old = [UInt8](old)
    var (text, place) = ([UInt8](), 0)
    while place < count {
      if place + old.count <= count, self[place] == old[0], [UInt8](self[place..<place + old.count]) == old {
        text += new
        place += old.count
      } else {
        text.append(self[place])
        place += 1
      }
    }
    return text
  }

  private func skippingSpace(_ start: Int) -> Int {
    var place = start
    while place < count, self[place] == 0x20 || self[place] >= 0x09 && self[place] <= 0x0D { place += 1 }
    return place
  }

  /// The place after the value that begins at `start`.
  private func skippingValue(_ start: Int) -> Int {
    var (place, depth, isString) = (start, 0, false)
    while place < count {
      let byte = self[place]
      if isString {
        if byte == 0x5C { place += 1 }
        if byte == 0x22 { isString = false }
      } else if byte == 0x22 {
        isString = true
      } else if byte == 0x7B || byte == 0x5B {
        depth += 1
      } else if byte == 0x7D || byte == 0x5D || byte == 0x2C {
        // The end of what is around it.
        if depth == 0 { return place }
        if byte != 0x2C { depth -= 1 }
      }
      place += 1
      if depth == 0, !isString, byte == 0x22 || byte == 0x7D || byte == 0x5D { return Swift.min(place, count) }
    }
    return count
  }
}
