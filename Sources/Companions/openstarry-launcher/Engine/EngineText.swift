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

  /// The contents of this string for people: without escapes, on one line; empty for anything else.
  var plain: [UInt8] {
    guard count >= 2, self[0] == 0x22, self[count - 1] == 0x22 else { return [] }
    var (text, place) = ([UInt8](), 1)
    while place < count - 1 {
      var byte = self[place]
      place += 1
      if byte == 0x5C, place < count - 1 {
        byte = self[place]
        place += 1
        // \b, \f, \n, \r, \t
        if [0x62, 0x66, 0x6E, 0x72, 0x74].contains(byte) {
          byte = 0x20
        } else if byte == 0x75, place + 4 <= count - 1 {
          text += [UInt8](character: self[place..<place + 4])
          place += 4
          continue
        }
      }
      text.append(byte < 0x20 ? 0x20 : byte)
    }
    return text
  }

  /// A character as UTF-8, from four hexadecimal digits; a question mark for half a character, and for what is no number.
  private init(character digits: ArraySlice<UInt8>) {
    var code: UInt32 = 0
    for digit in digits {
      let letter = digit | 0x20
      guard digit >= 0x30 && digit <= 0x39 || letter >= 0x61 && letter <= 0x66 else {
        self = [0x3F]
        return
      }
      code = code << 4 | UInt32(digit <= 0x39 ? digit - 0x30 : letter - 0x57)
    }
    if code < 0x80 {
      self = [code < 0x20 ? 0x20 : UInt8(code)]
    } else if code < 0x800 {
      self = [UInt8(0xC0 | code >> 6), UInt8(0x80 | code & 0x3F)]
    } else if code >= 0xD800, code < 0xE000 {
      self = [0x3F]
    } else {
      self = [UInt8(0xE0 | code >> 12), UInt8(0x80 | code >> 6 & 0x3F), UInt8(0x80 | code & 0x3F)]
    }
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
