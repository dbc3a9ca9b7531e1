// A published page: the network and its pictures stand in the file itself (shipping/page.py).
import '../styles/page.css'
import { openPage } from '../sources/open'
import { begin } from './begin'

begin(openPage)
