// Reads a JSON list of numbers and says of each, as a JSON list, what another implementation takes it for.
import { readFileSync } from 'node:fs'
import { isBan, validateIdCardNumber } from 'taiwan-id-validator'

const said = JSON.parse(readFileSync(0, 'utf8')).map((number) => {
  const card = validateIdCardNumber(number)
  return [card.valid ? card.category : '', isBan(number)]
})
process.stdout.write(JSON.stringify(said))
